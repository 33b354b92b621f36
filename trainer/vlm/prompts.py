"""From questions and answers to token ids and back, with the tokenizer of the backbone."""

from pathlib import Path
from typing import Any

from trainer.errors import TrainerError

INSTRUCTION = "\nAnswer the question using a single word or phrase."


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
        place = ids.index(self.image_token)
        return [*ids[:place], *[self.image_token] * self.tokens, *ids[place + 1 :]]

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
