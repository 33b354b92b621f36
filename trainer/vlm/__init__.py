"""The ARR-COC selection in front of a frozen Qwen3-VL; needs the extra `vlm`."""
