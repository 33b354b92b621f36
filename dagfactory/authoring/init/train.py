"""Trains a linear classifier: `python training/train.py --lr=0.1 --steps=200`."""

import argparse

import contract
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=200)
options = parser.parse_args()

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x.sum(1, keepdim=True) > 0).float()
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=options.lr)
saved = contract.newest_checkpoint()
state = torch.load(saved / "state.pt", weights_only=True) if saved else {"step": 0}
if saved:
    model.load_state_dict(state["model"])
for step in range(state["step"] + 1, options.steps + 1):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == options.steps or contract.stop_requested():
        state = {"model": model.state_dict(), "step": step}
        torch.save(state, contract.step_dir(step) / "state.pt")
        contract.seal_checkpoint(step, options.steps, loss.item())
accuracy = ((model(x) > 0) == (y > 0)).float().mean().item()
torch.save(model.state_dict(), contract.model_dir() / "model.pt")
contract.write_metrics({"accuracy": accuracy, "loss": loss.item()}, options.steps)
