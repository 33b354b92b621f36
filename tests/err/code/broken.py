def fit(:
