"""What a run tells: metrics, progress lines and pictures."""
