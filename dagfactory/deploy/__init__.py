"""What brings a bundle to a bucket or folder and changes only files that a sync has written.

`apply.plan_sync` lists the destination once, `plan.plan` decides (pure), `apply.apply` writes under
preconditions; `stores/` has one module per kind of destination. It may import the compiler and what
lies below it, never `run`, `importers` or `authoring`.
"""
