"""The parts of the `sweep` task type; only that module and the checks of its packs use them."""
