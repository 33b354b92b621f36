"""The networks: ARR-COC and the two that it is compared with."""
