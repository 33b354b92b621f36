"""Images with questions: made, read, converted, and turned into textures to train on."""
