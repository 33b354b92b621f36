"""Boosted trees on the breast cancer data, configured by `key=value` as with Hydra."""

import pickle
import sys

import contract
import yaml
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

CONFIG = {"model": {"learning_rate": 0.1, "max_depth": 2}, "rounds": 120, "seed": 7}


def configured(words):
    config = {**CONFIG, "model": dict(CONFIG["model"])}
    for word in words:
        name, value = word.lstrip("+").split("=", 1)
        *outer, key = name.split(".")
        (config[outer[0]] if outer else config)[key] = yaml.safe_load(value)
    return config


def run(config):
    x, y = load_breast_cancer(return_X_y=True)
    parts = train_test_split(x, y, test_size=0.3, random_state=config["seed"])
    x_train, x_test, y_train, y_test = parts
    model = GradientBoostingClassifier(warm_start=True, random_state=0, **config["model"])
    saved = contract.newest_checkpoint()
    model = pickle.loads((saved / "model.pkl").read_bytes()) if saved else model
    first = model.n_estimators if saved else 0
    for rounds in range(first + 4, config["rounds"] + 1, 4):
        model.n_estimators = rounds
        model.fit(x_train, y_train)
        print(f"[{rounds}] test-error: {1 - model.score(x_test, y_test):.4f}")
        (contract.step_dir(rounds) / "model.pkl").write_bytes(pickle.dumps(model))
        contract.seal_checkpoint(rounds, config["rounds"])
    (contract.model_dir() / "boost.pkl").write_bytes(pickle.dumps(model))
    contract.write_metrics({"accuracy": model.score(x_test, y_test)}, config["rounds"])


if __name__ == "__main__":
    run(configured(sys.argv[1:]))
