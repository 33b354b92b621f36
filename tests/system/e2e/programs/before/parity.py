"""A tiny transformer, from a configuration, that tells whether a sentence names more cats than dogs."""

from dataclasses import dataclass, field

import torch
from transformers import BertConfig, BertForSequenceClassification, HfArgumentParser
from transformers import get_linear_schedule_with_warmup


@dataclass
class TrainingArguments:
    learning_rate: float = field(default=1e-3, metadata={"help": "The peak rate."})
    num_train_epochs: int = field(default=12)
    per_device_train_batch_size: int = field(default=64)
    warmup_steps: int = field(default=20)
    hidden_size: int = field(default=32)
    seed: int = field(default=42)


def sentences(count, generator):
    words = torch.randint(2, 30, (count, 12), generator=generator)
    cats, dogs = (words % 3 == 0).sum(1), (words % 3 == 1).sum(1)
    words[:, 0] = 1
    return words, (cats > dogs).long()


def main():
    (args,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    words, labels = sentences(2000, generator)
    held_out, answers = sentences(400, generator)
    config = BertConfig(
        vocab_size=30,
        hidden_size=args.hidden_size,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        num_labels=2,
    )
    model = BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
    size = args.per_device_train_batch_size
    steps = args.num_train_epochs * (len(words) // size)
    scheduler = get_linear_schedule_with_warmup(optimizer, args.warmup_steps, steps)
    for epoch in range(args.num_train_epochs):
        model.train()
        for batch in torch.randperm(len(words)).split(size)[: len(words) // size]:
            loss = model(input_ids=words[batch], labels=labels[batch]).loss
            loss.backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            guesses = model(input_ids=held_out).logits.argmax(-1)
        accuracy = (guesses == answers).float().mean().item()
        print({"epoch": epoch + 1, "loss": loss.item(), "eval_accuracy": accuracy})
    model.save_pretrained("parity")


if __name__ == "__main__":
    main()
