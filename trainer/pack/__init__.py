"""Several trials trained together on one device."""
