"""The ARR-COC selection in front of a Qwen3-VL that nobody trains.

`Reader` makes prompts without the vision tokens that were not chosen, and from them losses of
answers, and answers. `Selector` chooses; `Backbone` is what sees the image and reads the prompt, as
read from transformers' `Qwen3VLForConditionalGeneration` (5.17): the vision tower's merger gives
the tokens that stand for the image, `deepstack_visual_embeds` are added to the same tokens after
the first layers of the language model, and M-RoPE gives each token a position (t, y, x). `Prompts`
turns questions and answers into token ids and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from trainer.data.textures import CHANNELS
from trainer.errors import TrainerError
from trainer.model.arr_coc import Output, Selection, flatten, relevance_loss
from trainer.settings import ObjectiveSettings, ReadingSettings, SelectionSettings
from trainer.storage import check_model, read_json, sha256
from trainer.train import Loss
from trainer.vertex import local_path
from trainer.vlm.data import Batch

PADDING = 0  # hidden by the mask, so any id will do
INSTRUCTION = "\nAnswer the question using a single word or phrase."


def make_reader(
    settings: ReadingSettings, selection: SelectionSettings, device: torch.device
) -> Reader:
    """Load a backbone and put a fresh selector in front of it."""
    directory = local_path(settings.backbone)
    precision: torch.dtype = getattr(torch, settings.precision)
    backbone = Backbone(directory, settings.side, device, precision)
    tokens = backbone.shape.grid**2
    prompts = Prompts(directory, backbone.image_token, tokens)
    return Reader(Selector(selection, backbone.hidden, tokens).to(device), backbone, prompts)


def load_selector(
    directory: Path, settings: ReadingSettings, device: torch.device
) -> tuple[Reader, int]:
    """Put a trained selector in front of a backbone; returns it with the step it was trained to.

    Another backbone than the selector was trained with is refused, and so is another `side`.
    """
    check_model(directory)
    document = read_json(directory / "config.json")
    try:
        made = document["settings"]
        fields = {name: made[name] for name in SelectionSettings.model_fields}
        selection = SelectionSettings.model_validate(fields)
        _same("side", made["side"], settings.side)
        _same("backbone", document["backbone"], fingerprint(local_path(settings.backbone)))
        reader = make_reader(settings, selection, device)
        reader.selector.load_state_dict(load_file(directory / "model.safetensors"))
        step = int(document["step"])
    except (OSError, ValueError, KeyError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainerError(f"no usable selector at {directory}: {reason}") from None
    return reader, step


def fingerprint(directory: Path) -> dict[str, str]:
    """Sha256 of everything that makes a backbone: configuration, weights, tokenizer."""
    kinds = {".json", ".safetensors", ".jinja", ".txt"}
    found = sorted(path for path in directory.iterdir() if path.suffix in kinds)
    return {path.name: sha256(path) for path in found}


def _same(name: str, then: object, now: object) -> None:
    if then != now:
        raise TrainerError(f"the selector was trained with another {name}")


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
        relevance = boxed_relevance_loss(output.relevance[:, 0], batch)
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
        if bias.requires_grad:
            # A mask alone with a gradient is an illegal memory access on CUDA (pytorch#148476).
            embedded.requires_grad_()
        mask = causal_mask(bias, real.gather(1, columns), embedded.dtype)
        moved = positions.gather(2, columns.expand(3, -1, -1))
        return backbone.think(embedded, moved, mask, visual, chosen.sight)

    def _tensor(self, numbers: list[int] | list[list[int]]) -> Tensor:
        return torch.tensor(numbers, device=self.backbone.device)


def causal_mask(bias: Tensor, real: Tensor, dtype: torch.dtype) -> Tensor:
    """Causal mask [B, 1, L, L] to add to attention logits, with a bias [B, L] for each key."""
    length = bias.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=bias.device).tril()
    seen = causal & real[:, None, None, :]
    least = torch.finfo(dtype).min
    return torch.where(seen, bias[:, None, None, :].to(dtype), least)


def boxed_relevance_loss(relevance: Tensor, batch: Batch) -> Tensor:
    """Mean binary cross-entropy of relevance [B, N] over the questions that have boxes; 0 without."""
    if not batch.boxed.any():
        return relevance.new_zeros(())
    boxed, mask = batch.boxed.to(relevance.device), batch.relevance.to(relevance.device)
    return relevance_loss(relevance[boxed], mask[boxed])


class Query(nn.Sequential):
    """Mean token embedding of a question [B, D] as a query [B, width]."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__(
            nn.LayerNorm(hidden), nn.Linear(hidden, width), nn.GELU(), nn.Linear(width, width)
        )


class Selector(Selection):
    """Texture and question in, relevance and budgets of every vision token out.

    Trained in f32, whatever the backbone computes in.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: SelectionSettings, hidden: int, tokens: int) -> None:
        super().__init__(settings, Query(hidden, settings.width), tokens)
        self.register_buffer("mean", torch.zeros(len(CHANNELS)))
        self.register_buffer("deviation", torch.ones(len(CHANNELS)))

    def calibrate(self, textures: Tensor) -> None:
        """Take mean and deviation of each channel from training textures [n, 13, G, G]."""
        self.mean.copy_(textures.mean((0, 2, 3)))
        self.deviation.copy_(textures.std((0, 2, 3)).clamp_min(1e-3))

    def forward(self, textures: Tensor, questions: Tensor) -> Output:
        """Textures [B, 13, G, G], mean embeddings of questions [B, D] -> maps [B, 1, N]."""
        raw = flatten(textures)
        query = self.participatory.question(questions)[:, None]
        relevance = self.relevance(raw, (raw - self.mean) / self.deviation, query)
        budgets, kept = self.budgets(relevance)
        return Output(None, relevance, budgets, kept)


def emphasis(budgets: Tensor) -> Tensor:
    """Return what budgets of kept tokens [B, K] add to their attention logits: ln(b / mean b).

    b copies of a token weigh ln b more in a softmax. Here the text stands in the same softmax
    with one copy each, and the backbone was trained on one copy of everything: so budgets count
    in units of their mean. Equal budgets leave the backbone exactly as it was.
    """
    return (budgets / budgets.mean(-1, keepdim=True)).log()


class Sight(NamedTuple):
    """What the vision tower says about B images of N tokens each."""

    tokens: Tensor  # [B, N, D]
    deepstack: list[Tensor]  # for the first layers of the language model, [B, N, D] each


@dataclass(frozen=True, slots=True)
class Shape:
    """What of the backbone's configuration the rest has to know."""

    side: int  # pixels of an image
    patch: int  # pixels of a patch
    merge: int  # patches per side that become one token
    frames: int  # copies of a still image that make one patch

    @property
    def grid(self) -> int:
        """Tokens per side of an image."""
        return self.side // (self.patch * self.merge)


class Backbone:
    """A frozen Qwen3-VL from a local directory; nothing is downloaded."""

    def __init__(
        self, directory: Path, side: int, device: torch.device, dtype: torch.dtype = torch.bfloat16
    ) -> None:
        self.device, self.dtype = device, dtype
        self.model = _load(directory, dtype).to(device)
        vision = self.model.config.vision_config
        self.shape = Shape(
            side, vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
        )
        if side % (self.shape.patch * self.shape.merge):
            raise TrainerError(
                f"side={side} is not a multiple of {self.shape.patch * self.shape.merge}"
            )
        document = read_json(directory / "preprocessor_config.json")
        try:
            self.mean, self.deviation = (
                torch.tensor(document[name], device=device).view(1, 3, 1, 1)
                for name in ("image_mean", "image_std")
            )
        except (KeyError, ValueError, TypeError, RuntimeError):
            message = f"{directory}/preprocessor_config.json has no image_mean and image_std of 3"
            raise TrainerError(message) from None

    @property
    def hidden(self) -> int:
        """Width D of the language model."""
        return int(self.model.config.text_config.hidden_size)

    @property
    def image_token(self) -> int:
        """Id of the token in whose places the image stands."""
        return int(self.model.config.image_token_id)

    @torch.no_grad()
    def look(self, images: Tensor) -> Sight:
        """Run the vision tower on images [B, 3, S, S] in [0, 1]."""
        pixels = (images.to(self.device) - self.mean) / self.deviation
        patches = patchify(pixels, self.shape).flatten(0, 1).to(self.dtype)
        seen = self.model.model.visual(patches, grid_thw=self.grids(len(images)), return_dict=True)
        shape = (len(images), self.shape.grid**2, -1)
        return Sight(
            seen.pooler_output.view(shape), [each.view(shape) for each in seen.deepstack_features]
        )

    def grids(self, count: int) -> Tensor:
        """Time, height and width of images in patches: i64 [B, 3]."""
        patches = self.shape.side // self.shape.patch
        return torch.tensor([[1, patches, patches]] * count, device=self.device)

    @torch.no_grad()
    def words(self, ids: Tensor) -> Tensor:
        """Embed token ids [...] as [..., D]."""
        embedded: Tensor = self.model.get_input_embeddings()(ids)
        return embedded

    def positions(self, ids: Tensor, real: Tensor) -> Tensor:
        """M-RoPE positions [3, B, L] of whole prompts, padding (not `real`) at 0."""
        kinds = (ids == self.image_token).int()
        found: tuple[Tensor, Tensor] = self.model.model.get_rope_index(
            ids, kinds, image_grid_thw=self.grids(len(ids)), attention_mask=real
        )
        return found[0]

    def think(
        self, embedded: Tensor, positions: Tensor, mask: Tensor, visual: Tensor, sight: Sight
    ) -> Tensor:
        """Last hidden states [B, L, D] of embedded prompts.

        `mask` [B, 1, L, L] is added to the attention logits of every layer, so it may carry a
        gradient; `visual` bool [B, L] says where the tokens of `sight` stand.
        """
        out = self.model.model.language_model(
            inputs_embeds=embedded,
            position_ids=positions,
            attention_mask=mask,
            visual_pos_masks=visual,
            deepstack_visual_embeds=[each.flatten(0, 1) for each in sight.deepstack],
            use_cache=False,
        )
        hidden: Tensor = out.last_hidden_state
        return hidden

    def say(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] in f32 of hidden states [..., D]."""
        logits: Tensor = self.model.lm_head(hidden)
        return logits.float()


def _load(directory: Path, dtype: torch.dtype) -> Any:
    """Read the weights of a directory, frozen; raises TrainerError where there is not a usable model."""
    if not (directory / "config.json").is_file():
        raise TrainerError(f"no Qwen3-VL at {directory}: config.json is missing")
    from safetensors import SafetensorError
    from transformers import Qwen3VLForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    kind = read_json(directory / "config.json").get("model_type")
    if kind != "qwen3_vl":
        raise TrainerError(f"the model at {directory} is {kind!r}, not 'qwen3_vl'")
    try:
        model = Qwen3VLForConditionalGeneration.from_pretrained(
            directory, dtype=dtype, local_files_only=True, attn_implementation="sdpa"
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise TrainerError(f"no Qwen3-VL at {directory}: {' '.join(str(error).split())}") from None
    return _frozen(model)


def _frozen(model: nn.Module) -> nn.Module:
    return model.requires_grad_(requires_grad=False).eval()


def patchify(pixels: Tensor, shape: Shape) -> Tensor:
    """Patches [B, n, 3 * frames * patch * patch] of images [B, 3, S, S].

    Those that become one token follow each other; the still image is repeated in time.
    """
    whole, part = shape.grid, (shape.merge, shape.patch)
    split = pixels.view(len(pixels), 3, whole, *part, whole, *part)
    ordered = split.permute(0, 2, 5, 3, 6, 1, 4, 7)  # B, tokens y x, patches y x, colour, pixels
    repeated = ordered.unsqueeze(6).expand(*ordered.shape[:6], shape.frames, -1, -1)
    return repeated.reshape(len(pixels), (whole * shape.merge) ** 2, -1)


class Prompts:
    """The chat template of a backbone, its one image token drawn out to `tokens` of them."""

    def __init__(self, directory: Path, image_token: int, tokens: int) -> None:
        self.tokenizer = _tokenizer(directory)
        self.image_token, self.tokens = image_token, tokens
        if self.tokenizer.eos_token_id is None:
            raise TrainerError(f"the tokenizer at {directory} has no token that ends an answer")

    @property
    def end(self) -> int:
        """Id of the token that ends an answer."""
        return int(self.tokenizer.eos_token_id)

    def prompt(self, question: str) -> list[int]:
        """Token ids of a whole prompt up to where the answer begins."""
        content = [{"type": "image"}, {"type": "text", "text": question + INSTRUCTION}]
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        ids = self._ids(text)
        if ids.count(self.image_token) != 1:
            count = ids.count(self.image_token)
            raise TrainerError(f"the chat template makes {count} image tokens of one image")
        at = ids.index(self.image_token)
        return [*ids[:at], *[self.image_token] * self.tokens, *ids[at + 1 :]]

    def question(self, text: str) -> list[int]:
        """Token ids of a question alone, which the selection reads."""
        return self._ids(text)

    def answer(self, text: str) -> list[int]:
        """Token ids of an answer and of its end."""
        return [*self._ids(text), self.end]

    def text(self, ids: list[int]) -> str:
        """Return what token ids say, up to the end of the answer."""
        stop = ids.index(self.end) if self.end in ids else len(ids)
        said: str = self.tokenizer.decode(ids[:stop], skip_special_tokens=True)
        return said.strip()

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def _tokenizer(directory: Path) -> Any:
    """Read a tokenizer with a chat template; raises TrainerError where there is none."""
    if not (directory / "tokenizer_config.json").is_file():
        raise TrainerError(f"no tokenizer at {directory}: tokenizer_config.json is missing")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise TrainerError(f"no tokenizer at {directory}: {reason}") from None
    if not tokenizer.chat_template:
        raise TrainerError(f"the tokenizer at {directory} has no chat template")
    return tokenizer
