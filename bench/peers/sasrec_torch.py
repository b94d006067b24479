"""The network of crates/neural in PyTorch, to compare the time of an epoch on one machine.

    python bench/peers/sasrec_torch.py ../shared/data/amazon-s3rec Beauty --epochs 4 --threads 1

Same sizes, batches, loss, dropout and optimizer, by default those of the crate; the other side is

    RAYON_NUM_THREADS=1 mercer eval recommend --format sequences --train Beauty.txt --attributes Beauty_item2attributes.json \
        --models transformer:epochs=4:negatives=1024

which tells the time of every epoch; with `negatives=0` and `--negatives 0` for the softmax over all items, and with
`--device cuda` beside a program built with the feature `gpu`. To give PyTorch its best, rows are packed as there: only the
attention is padded, to the longest sequence of the batch. Nothing is measured but the time of the steps; the loss is
printed to show that both learn alike.
"""

import argparse
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("name")
    sizes = dict(width=64, layers=2, heads=2, inner=128, longest=50)
    for key, value in dict(**sizes, epochs=4, batch=256, negatives=1024, warm_up=200).items():
        parser.add_argument(f"--{key}", type=int, default=value)
    for key, value in dict(rate=3e-3, decay=0.1, dropout=0.3, input_dropout=0.2, own_dropout=0.2).items():
        parser.add_argument(f"--{key}", type=float, default=value)
    parser.add_argument("--no-attributes", action="store_true")
    parser.add_argument("--device", default="cpu", help="cuda for the first card")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def read(folder, name, with_attributes):
    """Training sequences with dense item numbers, and item and attribute numbers of each pair."""
    numbers, sequences = {}, []
    with open(f"{folder}/{name}.txt") as lines:
        for line in lines:
            items = [numbers.setdefault(item, len(numbers)) for item in line.split()[1:]]
            sequences.append(items[:-2])
    owners, attributes = [], []
    if with_attributes:
        with open(f"{folder}/{name}_item2attributes.json") as file:
            for item, row in json.load(file).items():
                if item in numbers:
                    owners += [numbers[item]] * len(set(row))
                    attributes += sorted(set(row))
    return sequences, len(numbers), owners, attributes


def windows(sequences, longest):
    """Pieces of at most `longest` steps that together ask for every item but the first."""
    for items in sequences:
        end = len(items)
        while end > 1:
            start = max(0, end - longest - 1)
            yield items[start:end]
            end = start + 1 if start > 0 else 0


class Block(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.looks = nn.Linear(width, 3 * width, bias=False)
        self.attention_out, self.attention_gate = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.forward_in = nn.Linear(width, inner, bias=False)
        self.forward_out = nn.Linear(inner, width, bias=False)
        self.forward_gate = nn.Linear(width, width, bias=False)

    def forward(self, x, places, dropout):
        normal = self.attention_norm(x)
        sequence, place, count, longest = places
        padded = x.new_zeros(count, longest, 3 * x.shape[1])
        padded[sequence, place] = self.looks(normal)
        query, key, value = padded.view(count, longest, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        found = found.transpose(1, 2).reshape(count, longest, -1)[sequence, place]
        x = x + dropout(self.attention_out(found) * torch.sigmoid(self.attention_gate(normal)))
        normal = self.forward_norm(x)
        inner = dropout(functional.silu(self.forward_in(normal)))
        return x + dropout(self.forward_out(inner) * torch.sigmoid(self.forward_gate(normal)))


class Network(nn.Module):
    def __init__(self, options, items, owners, attributes):
        super().__init__()
        width = options.width
        self.own = nn.Parameter(0.02 * torch.randn(items, width))
        self.attributes = nn.Parameter(0.02 * torch.randn(max(attributes, default=0) + 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(options.longest, width))
        self.blocks = nn.ModuleList(Block(width, options.inner, options.heads) for _ in range(options.layers))
        self.norm = nn.LayerNorm(width)
        self.dropout, self.input_dropout = nn.Dropout(options.dropout), nn.Dropout(options.input_dropout)
        self.own_dropout = options.own_dropout
        order = sorted(range(len(owners)), key=owners.__getitem__)
        counts = torch.bincount(torch.tensor(owners, dtype=torch.long), minlength=items)
        flat = torch.tensor([attributes[place] for place in order], dtype=torch.long)
        self.register_buffer("starts", torch.cumsum(counts, 0) - counts)
        self.register_buffer("flat", flat)

    def table(self):
        own = self.own
        if self.own_dropout > 0:
            own = own * (torch.rand(own.shape[0], 1, device=own.device) >= self.own_dropout)
        if len(self.flat) == 0:
            return own
        return own + functional.embedding_bag(self.flat, self.attributes, self.starts, mode="mean")

    def forward(self, table, items, places):
        x = self.input_dropout(functional.embedding(items, table) + functional.embedding(places[1], self.places))
        for block in self.blocks:
            x = block(x, places, self.dropout)
        return self.norm(x)


def loss_of(hidden, table, targets, negatives):
    if negatives == 0:
        return functional.cross_entropy(hidden @ table.T, targets)
    sample = torch.randint(len(table), (negatives,), device=table.device)
    own = (hidden * table[targets]).sum(1, keepdim=True)
    rest = hidden @ table[sample].T + math.log((len(table) - 1) / negatives)
    rest = rest.masked_fill(sample[None, :] == targets[:, None], float("-inf"))
    return functional.cross_entropy(torch.cat([own, rest], 1), torch.zeros_like(targets))


def rate_at(step, steps, warm_up):
    """Share of the largest step size: an even warm-up, then half a cosine down to a tenth."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.55 + 0.45 * math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up)))


def main():
    options = arguments()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    sequences, items, owners, attributes = read(options.folder, options.name, not options.no_attributes)
    sequences = list(windows(sequences, options.longest))
    network = Network(options, items, owners, attributes).to(options.device)
    decayed = [weight for weight in network.parameters() if weight.dim() > 1]
    plain = [weight for weight in network.parameters() if weight.dim() == 1]
    groups = [dict(params=decayed, weight_decay=options.decay), dict(params=plain, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), fused=True)
    steps = options.epochs * math.ceil(len(sequences) / options.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, steps, options.warm_up))
    seconds, busy = [], []
    for epoch in range(1, options.epochs + 1):
        started, used, total, count = time.perf_counter(), time.process_time(), 0.0, 0
        order = torch.randperm(len(sequences)).tolist()
        for start in range(0, len(order), options.batch):
            rows = [sequences[place] for place in order[start : start + options.batch]]
            lengths = [len(row) - 1 for row in rows]
            sequence = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(lengths))
            place = torch.cat([torch.arange(length) for length in lengths])
            taken = torch.tensor([item for row in rows for item in row[:-1]])
            targets = torch.tensor([item for row in rows for item in row[1:]])
            there = [numbers.to(options.device) for numbers in (sequence, place, taken, targets)]
            sequence, place, taken, targets = there
            table = network.table()
            hidden = network(table, taken, (sequence, place, len(rows), max(lengths)))
            loss = loss_of(hidden, table, targets, options.negatives)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total, count = total + loss.item() * len(targets), count + len(targets)
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - used)
        print(f"epoch {epoch:3}  loss {total / count:.4f}  {seconds[-1]:5.1f} s, processors {busy[-1]:5.1f} s", flush=True)
    print(
        f"PyTorch {torch.__version__}, {options.device}, {options.threads} threads: "
        f"median {statistics.median(seconds):.2f} s an epoch, processors {statistics.median(busy):.2f} s"
    )


if __name__ == "__main__":
    main()
