"""A Qwen3-VL of the real class, tiny and random, with a tokenizer, saved as a directory."""

import json

import pytest

SIDE = 128  # pixels: 4 x 4 vision tokens
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
IMAGE, VIDEO = "<|image_pad|>", "<|video_pad|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% for part in message.content %}{% if part.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_tokenizer(directory):
    """Byte-level BPE without merges: 256 letters and the special tokens of Qwen3-VL."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[*SPECIAL, IMAGE, VIDEO],
        chat_template=TEMPLATE,
    )
    tokenizer.save_pretrained(directory)
    return tokenizer


def save_model(directory, tokenizer):
    """Two text layers, three vision layers, deepstack after two of them."""
    import torch
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    torch.manual_seed(0)
    number = tokenizer.convert_tokens_to_ids
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5e6,
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 4,
            "out_hidden_size": 32,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        image_token_id=number(IMAGE),
        video_token_id=number(VIDEO),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    model = Qwen3VLForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "bias" not in name and weight.ndim > 1:
                weight.mul_(4)  # small random weights would make every answer alike
    model.save_pretrained(directory)


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    directory = tmp_path_factory.mktemp("qwen3-vl-tiny")
    save_model(directory, save_tokenizer(directory))
    values = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 0.6, 0.7]}
    (directory / "preprocessor_config.json").write_text(json.dumps(values))
    return directory
