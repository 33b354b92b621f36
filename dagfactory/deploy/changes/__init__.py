"""What changes between what is deployed and what the specs say: by meaning, not by text.

`deployed.py` reads the destination, `compare.py` compares (pure), `formats/` has one module per form.
It may import the bundle, `deploy.manifest`, the stores and what lies below the compiler.
"""
