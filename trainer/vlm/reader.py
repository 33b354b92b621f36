"""Prompts without the vision tokens that were not chosen: losses of answers, and answers."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainer.network import Output
from trainer.objective import Loss, map_loss
from trainer.settings import ObjectiveSettings
from trainer.vlm.backbone import Backbone, Sight
from trainer.vlm.data import Batch
from trainer.vlm.prompts import Prompts
from trainer.vlm.selector import Selector, emphasis

PADDING = 0  # hidden by the mask, so any id will do


class Chosen(NamedTuple):
    """The K vision tokens of B images that the language model gets to see."""

    sight: Sight  # [B, K, D]
    kept: Tensor  # bool [B, N]
    emphasis: Tensor  # f32 [B, K]


@dataclass(frozen=True, slots=True)
class Reader:
    """Selection, backbone and tokenizer together."""

    selector: Selector
    backbone: Backbone
    prompts: Prompts

    def select(self, batch: Batch) -> tuple[Output, Chosen]:
        """Look at the images, choose vision tokens for the questions."""
        output = self.selector(batch.textures.to(self.backbone.device), self._queries(batch))
        kept, budgets = output.kept[:, 0], output.budgets[:, 0]
        whole = self.backbone.look(batch.images)
        shape = (len(kept), self.selector.keep, -1)
        sight = Sight(
            whole.tokens[kept].view(shape), [each[kept].view(shape) for each in whole.deepstack]
        )
        return output, Chosen(sight, kept, emphasis(budgets[kept].view(shape[:2])))

    def _queries(self, batch: Batch) -> Tensor:
        """Mean token embedding of every question: f32 [B, D]."""
        ids = [self.prompts.question(question.text) for question in batch.questions]
        rows = [self.backbone.words(self._tensor(row)).float().mean(0) for row in ids]
        return torch.stack(rows)

    def losses(self, batch: Batch, settings: ObjectiveSettings) -> Loss:
        """CE(answer tokens) + w_r BCE(relevance, mask) + w_b (mean budget / target - 1)^2.

        The relevance counts only for questions that have boxes.
        """
        output, chosen = self.select(batch)
        prompts = [self.prompts.prompt(question.text) for question in batch.questions]
        answers = [self.prompts.answer(question.answer) for question in batch.questions]
        hidden = self.hidden([a + b[:-1] for a, b in zip(prompts, answers, strict=True)], chosen)
        dropped = self.prompts.tokens - self.selector.keep
        said = [
            row[len(prompt) - dropped - 1 :][: len(answer)]
            for row, prompt, answer in zip(hidden, prompts, answers, strict=True)
        ]
        wanted = self._tensor([number for answer in answers for number in answer])
        answer = functional.cross_entropy(self.backbone.say(torch.cat(said)), wanted)
        relevance = relevance_loss(output.relevance[:, 0], batch)
        mean_budget = output.budgets.sum(-1) / self.selector.keep
        budget = ((mean_budget / settings.budget_target - 1) ** 2).mean()
        total = answer + settings.relevance_weight * relevance + settings.budget_weight * budget
        return Loss(total, answer, relevance, budget)

    @torch.inference_mode()
    def answers(self, batch: Batch, longest: int) -> tuple[Output, list[str]]:
        """Answer greedily with `longest` tokens at most.

        Every token reads the whole prompt again: it is short without the tokens not chosen, and
        so are answers.
        """
        output, chosen = self.select(batch)
        prompts = [self.prompts.prompt(question.text) for question in batch.questions]
        said: list[list[int]] = [[] for _ in prompts]
        for _ in range(longest):
            rows = [prompt + answer for prompt, answer in zip(prompts, said, strict=True)]
            hidden = self.hidden(rows, chosen)
            dropped = self.prompts.tokens - self.selector.keep
            last = torch.stack(
                [each[len(row) - dropped - 1] for each, row in zip(hidden, rows, strict=True)]
            )
            for answer, number in zip(
                said, self.backbone.say(last).argmax(-1).tolist(), strict=True
            ):
                answer.append(number)
            if all(self.prompts.end in answer for answer in said):
                break
        return output, [self.prompts.text(answer) for answer in said]

    def hidden(self, rows: list[list[int]], chosen: Chosen) -> Tensor:
        """Hidden states [B, L, D] of prompts without the vision tokens that are not `chosen`.

        Tokens keep the M-RoPE positions that they have in the whole prompt. Shorter rows are
        padded at the end, where nothing before sees the padding.
        """
        backbone, most = self.backbone, max(map(len, rows))
        ids = self._tensor([[*row, *[PADDING] * (most - len(row))] for row in rows])
        lengths = self._tensor([len(row) for row in rows])
        real = torch.arange(most, device=ids.device) < lengths[:, None]
        image = (ids == backbone.image_token) & real
        positions = backbone.positions(ids, real)
        stay = ~image
        stay[image] = chosen.kept.flatten()
        columns = stay.nonzero()[:, 1].view(len(rows), -1)
        visual = image.gather(1, columns)
        embedded = backbone.words(ids.gather(1, columns))
        embedded[visual] = chosen.sight.tokens.flatten(0, 1)
        bias = torch.zeros(visual.shape, device=ids.device)
        bias = bias.masked_scatter(visual, chosen.emphasis)
        mask = attention(bias, real.gather(1, columns), embedded.dtype)
        moved = positions.gather(2, columns.expand(3, -1, -1))
        return backbone.think(embedded, moved, mask, visual, chosen.sight)

    def _tensor(self, numbers: list[int] | list[list[int]]) -> Tensor:
        return torch.tensor(numbers, device=self.backbone.device)


def attention(bias: Tensor, real: Tensor, dtype: torch.dtype) -> Tensor:
    """Causal mask [B, 1, L, L] to add to attention logits, with a bias [B, L] for each key."""
    length = bias.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=bias.device).tril()
    seen = causal & real[:, None, None, :]
    least = torch.finfo(dtype).min
    return torch.where(seen, bias[:, None, None, :].to(dtype), least)


def relevance_loss(relevance: Tensor, batch: Batch) -> Tensor:
    """Mean binary cross-entropy of maps [B, N] over the questions that have boxes; 0 without."""
    if not batch.boxed.any():
        return relevance.new_zeros(())
    boxed, mask = batch.boxed.to(relevance.device), batch.relevance.to(relevance.device)
    return map_loss(relevance[boxed], mask[boxed])
