"""The selection in front of the real Qwen3-VL class: equal to it where nothing is chosen away."""

import json
import shutil

import numpy as np
import pytest
import torch

from trainer.data.exchange import find_shards, read_records
from trainer.errors import TrainerError, UsageError
from trainer.settings import ObjectiveSettings, SelectionSettings
from trainer.vlm.data import all_pairs
from trainer.vlm.model import Backbone, Prompts, Reader, Selector, Shape, emphasis, patchify

from .conftest import SIDE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs(data):
    records = [record for record in read_records(find_shards(data)) if record.split == "train"]
    return all_pairs(records[:3], SIDE, 4)


def make(directory, keep=5, dtype=torch.float32, **more):
    torch.manual_seed(1)
    settings = SelectionSettings(width=16, keep=keep, **more)
    made = Backbone(directory, SIDE, CPU, dtype)
    prompts = Prompts(directory, made.image_token, made.shape.grid**2)
    return Reader(Selector(settings, made.hidden, 16), made, prompts)


def whole(reader, pairs, numbers):
    """Logits of the original class for whole prompts with answers, one after the other."""
    model, found = reader.backbone.model, []
    for number in numbers:
        batch = pairs.batch([number])
        question = batch.questions[0]
        row = reader.prompts.prompt(question.text) + reader.prompts.answer(question.answer)[:-1]
        ids = torch.tensor([row])
        pixels = (batch.images - reader.backbone.mean) / reader.backbone.deviation
        with torch.no_grad():
            out = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == reader.backbone.image_token).int(),
                pixel_values=patchify(pixels, reader.backbone.shape).flatten(0, 1),
                image_grid_thw=reader.backbone.grids(1),
            )
        found.append((row, out.logits[0]))
    return found


def shortened(reader, pairs, numbers):
    batch = pairs.batch(numbers)
    _, chosen = reader.select(batch)
    rows = [
        reader.prompts.prompt(q.text) + reader.prompts.answer(q.answer)[:-1]
        for q in batch.questions
    ]
    return rows, chosen, reader.backbone.say(reader.hidden(rows, chosen))


def test_all_tokens_with_equal_budgets_are_the_model_itself(backbone, pairs):
    """M-RoPE positions, deepstack, mask and padding: all as the original class does it."""
    reader = make(backbone, keep=16, ablate="budgets")
    numbers = [0, 7, 33]  # questions of different lengths
    rows, _, logits = shortened(reader, pairs, numbers)
    assert len({len(row) for row in rows}) > 1
    for (row, expected), found in zip(whole(reader, pairs, numbers), logits, strict=True):
        torch.testing.assert_close(found[: len(row)], expected, atol=2e-4, rtol=1e-4)


def test_budgets_change_what_the_model_makes_of_all_tokens(backbone, pairs):
    reader = make(backbone, keep=16)
    _, _, logits = shortened(reader, pairs, [0])
    (row, expected) = whole(reader, pairs, [0])[0]
    assert (logits[0, : len(row)] - expected).abs().max() > 1e-3


def test_dropped_tokens_are_as_if_nothing_attended_to_them(backbone, pairs):
    """Dropping tokens equals masking them in the whole prompt: positions and features are kept."""
    reader = make(backbone, keep=5, ablate="budgets")
    rows, chosen, logits = shortened(reader, pairs, [4])
    full = make(backbone, keep=16, ablate="budgets")
    model = full.backbone
    ids = torch.tensor(rows)
    image = ids == model.image_token
    hidden_away = torch.zeros_like(image)
    hidden_away[image] = ~chosen.kept[0]
    mask = torch.full((ids.shape[1],) * 2, torch.finfo(torch.float32).min).triu(1)[None, None]
    mask = mask.masked_fill(hidden_away[:, None, None, :], torch.finfo(torch.float32).min)
    embedded = model.words(ids)
    sight = model.look(pairs.batch([4]).images)
    embedded[image] = sight.tokens[0]
    positions = model.positions(ids, torch.ones_like(ids, dtype=torch.bool))
    expected = model.say(model.think(embedded, positions, mask, image, sight))
    torch.testing.assert_close(logits[0], expected[0, ~hidden_away[0]], atol=2e-4, rtol=1e-4)


def test_positions_of_kept_tokens_are_those_of_the_whole_grid(backbone, pairs):
    reader = make(backbone)
    row = reader.prompts.prompt("?")
    start = row.index(reader.backbone.image_token)
    real = torch.ones(1, len(row), dtype=torch.bool)
    found = reader.backbone.positions(torch.tensor([row]), real)[:, 0]
    cells = [(start, start + y, start + x) for y in range(4) for x in range(4)]
    assert found[:, start : start + 16].T.tolist() == [list(cell) for cell in cells]
    assert (found[:, start + 16] == start + 4).all()  # the text goes on behind the grid


def test_gradients_reach_every_part_of_the_selection_and_nothing_of_the_backbone(backbone, pairs):
    """From the answer loss alone: budgets are felt by the frozen model."""
    reader = make(backbone)
    alone = ObjectiveSettings(relevance_weight=0, budget_weight=0)
    torch.autograd.backward(reader.losses(pairs.batch([0, 9, 25]), alone).total)
    for name, weight in reader.selector.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    for name, weight in reader.backbone.model.named_parameters():
        assert not weight.requires_grad, name
        assert weight.grad is None, name


def test_no_attention_has_a_mask_alone_with_a_gradient(backbone, pairs, monkeypatch):
    """That is an illegal memory access in the backward pass on CUDA (pytorch#148476)."""
    attend, seen = torch.nn.functional.scaled_dot_product_attention, []

    def recorded(query, key, value, attn_mask=None, **more):
        learned = attn_mask is not None and attn_mask.requires_grad
        seen.append((learned, any(each.requires_grad for each in (query, key, value))))
        return attend(query, key, value, attn_mask=attn_mask, **more)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", recorded)
    make(backbone).losses(pairs.batch([0, 7]), ObjectiveSettings()).total.backward()
    assert [carried for learned, carried in seen if learned] == [True] * 3


def test_training_the_selection_lowers_the_answer_loss(backbone, pairs):
    reader = make(backbone)
    alone = ObjectiveSettings(relevance_weight=0, budget_weight=0)
    optimizer = torch.optim.AdamW(reader.selector.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        loss = reader.losses(pairs.batch([0, 9, 25]), alone).total
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[1:]) < losses[0]


def test_the_relevance_loss_counts_only_questions_with_boxes(backbone, pairs):
    reader = make(backbone)
    batch = pairs.batch([0, 9])
    bare = [q.model_copy(update={"relevance": ()}) for q in batch.questions]
    records = [pairs.records[0].model_copy(update={"questions": (bare[0], batch.questions[1])})]
    mixed = all_pairs(records, SIDE, 4)
    only = ObjectiveSettings(budget_weight=0)
    with torch.no_grad():
        both = reader.losses(mixed.batch([0, 1]), only).relevance
        alone = reader.losses(mixed.batch([1]), only).relevance
        none = reader.losses(mixed.batch([0]), only).relevance
    assert both == pytest.approx(alone.item(), rel=1e-5)
    assert alone > 0
    assert none == 0


def test_losses_are_those_of_the_answer_tokens(backbone, pairs):
    """Against the original class, which shifts labels by itself."""
    reader = make(backbone, keep=16, ablate="budgets")
    alone = ObjectiveSettings(relevance_weight=0, budget_weight=0)
    found = reader.losses(pairs.batch([0, 33]), alone).answer
    total, count = 0.0, 0
    for (row, logits), number in zip(whole(reader, pairs, [0, 33]), [0, 33], strict=True):
        answer = reader.prompts.answer(pairs.batch([number]).questions[0].answer)
        said = logits[len(row) - len(answer) :]
        total += torch.nn.functional.cross_entropy(said, torch.tensor(answer), reduction="sum")
        count += len(answer)
    assert found.item() == pytest.approx((total / count).item(), rel=1e-4)


def test_greedy_answers_are_those_of_the_model_itself(backbone, pairs):
    reader = make(backbone, keep=16, ablate="budgets")
    _, said = reader.answers(pairs.batch([2]), longest=5)
    row = reader.prompts.prompt(pairs.batch([2]).questions[0].text)
    expected = []
    pixels = (pairs.batch([2]).images - reader.backbone.mean) / reader.backbone.deviation
    for _ in range(5):
        ids = torch.tensor([row + expected])
        with torch.no_grad():
            logits = reader.backbone.model(
                input_ids=ids,
                mm_token_type_ids=(ids == reader.backbone.image_token).int(),
                pixel_values=patchify(pixels, reader.backbone.shape).flatten(0, 1),
                image_grid_thw=reader.backbone.grids(1),
            ).logits
        expected.append(logits[0, -1].argmax().item())
    assert said == [reader.prompts.text(expected)]


def test_answers_do_not_depend_on_what_stands_beside_them(backbone, pairs):
    reader = make(backbone)
    together = reader.answers(pairs.batch([0, 7, 33]), longest=4)[1]
    assert together == [reader.answers(pairs.batch([n]), longest=4)[1][0] for n in (0, 7, 33)]


def test_the_backbone_is_bfloat16_and_the_selection_float32(backbone, pairs):
    reader = make(backbone, dtype=torch.bfloat16)
    assert {weight.dtype for weight in reader.backbone.model.parameters()} == {torch.bfloat16}
    loss = reader.losses(pairs.batch([0, 7]), ObjectiveSettings())
    torch.autograd.backward(loss.total)
    assert {weight.grad.dtype for weight in reader.selector.parameters()} == {torch.float32}


def test_equal_budgets_add_nothing_and_twice_the_budget_adds_ln_two():
    assert (emphasis(torch.full((1, 3), 200.0)) == 0).all()
    found = emphasis(torch.tensor([[100.0, 200.0]]))[0]
    assert (found[1] - found[0]).item() == pytest.approx(np.log(2), rel=1e-6)


def test_patches_are_those_of_the_processor_of_the_backbone():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    processor = Qwen2VLImageProcessorPil(
        patch_size=16, merge_size=2, temporal_patch_size=2, min_pixels=32, max_pixels=64 * 64,
        image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    expected = processor(pixels, return_tensors="pt")
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    found = patchify((images - 0.5) / 0.5, Shape(64, 16, 2, 2))
    assert expected["image_grid_thw"].tolist() == [[1, 4, 4]]
    torch.testing.assert_close(found[0], expected["pixel_values"].float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "config.json").unlink(), "config.json is missing"),
        (lambda d: (d / "config.json").write_text('{"model_type": "llama"}'), "is 'llama', not"),
        (lambda d: (d / "model.safetensors").write_bytes(b"x"), "no Qwen3-VL at"),
        (lambda d: (d / "model.safetensors").unlink(), "no Qwen3-VL at"),
        (lambda d: (d / "preprocessor_config.json").write_text("{}"), "no image_mean"),
        (lambda d: [p.unlink() for p in d.glob("tokenizer*")], "no tokenizer at"),
        (lambda d: (d / "chat_template.jinja").unlink(), "has no chat template"),
        (
            lambda d: (d / "chat_template.jinja").write_text("{{ messages[0].role }}"),
            "makes 0 image tokens",
        ),
    ],
)
def test_a_broken_backbone_is_one_line(backbone, pairs, tmp_path, spoil, message):
    shutil.copytree(backbone, tmp_path / "b")
    spoil(tmp_path / "b")
    with pytest.raises(TrainerError, match=message) as caught:
        make(tmp_path / "b").prompts.prompt("?")
    assert "\n" not in str(caught.value)


def test_a_tokenizer_without_an_end_is_refused(backbone, tmp_path):
    shutil.copytree(backbone, tmp_path / "b")
    path = tmp_path / "b" / "tokenizer_config.json"
    document = json.loads(path.read_text())
    document.pop("eos_token")
    path.write_text(json.dumps(document))
    with pytest.raises(TrainerError, match="no token that ends an answer"):
        make(tmp_path / "b")


def test_settings_that_do_not_fit_the_backbone_are_refused(backbone):
    with pytest.raises(TrainerError, match="side=100 is not a multiple of 32"):
        Backbone(backbone, 100, CPU)
    with pytest.raises(UsageError, match="keep=17 is more than the 16 patches"):
        make(backbone, keep=17)
