"""A Qwen3-VL that nobody trains: what it sees of an image, what it makes of a shortened prompt.

Read from transformers' `Qwen3VLForConditionalGeneration` (5.17): the vision tower's merger gives
the tokens that stand for the image, `deepstack_visual_embeds` are added to the same places after
the first layers of the language model, and M-RoPE gives each token a position (t, y, x).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainer.errors import TrainerError
from trainer.files import read_json


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
                f"side={side} is no multiple of {self.shape.patch * self.shape.merge}"
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
    """Read the weights of a directory, frozen; raises TrainerError where they are none."""
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
