"""A recurrent network that learns the Zen of Python by heart, letter by letter."""

import codecs
import contextlib
import io

import torch
from absl import app, flags, logging
from torch import nn

FLAGS = flags.FLAGS
flags.DEFINE_float("learning_rate", 0.01, "Rate of Adam.", lower_bound=0.0)
flags.DEFINE_integer("steps", 150, "Steps of training.")
flags.DEFINE_integer("units", 64, "Units of the network.")
flags.DEFINE_bool("clip", True, "Clip the gradient.")


def text():
    with contextlib.redirect_stdout(io.StringIO()):
        import this
    return codecs.decode(this.s, "rot13")


class Network(nn.Module):
    def __init__(self, letters, units):
        super().__init__()
        self.embedding = nn.Embedding(letters, 16)
        self.recurrent = nn.GRU(16, units, batch_first=True)
        self.head = nn.Linear(units, letters)

    def forward(self, batch):
        return self.head(self.recurrent(self.embedding(batch))[0])


def main(_):
    torch.manual_seed(0)
    letters = sorted(set(text()))
    numbers = torch.tensor([letters.index(each) for each in text()])
    windows = numbers[: len(numbers) // 33 * 33].view(-1, 33)
    network = Network(len(letters), FLAGS.units)
    optimizer = torch.optim.Adam(network.parameters(), FLAGS.learning_rate)
    for step in range(FLAGS.steps):
        logits = network(windows[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        if FLAGS.clip:
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 9:
            logging.info("step %d: loss %.3f", step + 1, loss.item())
    torch.save(network.state_dict(), "zen.pt")


if __name__ == "__main__":
    app.run(main)
