"""A linear classifier of digits, fitted in passes."""

import argparse

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=1e-4)
parser.add_argument("--loss", choices=["hinge", "log_loss"], default="hinge")
parser.add_argument("--passes", type=int, default=150)
args = parser.parse_args()

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

model = SGDClassifier(alpha=args.alpha, loss=args.loss, random_state=0)
for each in range(args.passes):
    order = np.random.default_rng(each).permutation(len(x_train))
    model.partial_fit(x_train[order], y_train[order], classes=np.arange(10))
accuracy = accuracy_score(y_test, model.predict(x_test))
print(f"accuracy: {accuracy:.3f}")
joblib.dump(model, "model.joblib")
