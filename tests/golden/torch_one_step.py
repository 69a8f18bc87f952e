#!/usr/bin/python3
"""Checks training steps of the whole language model against PyTorch in double.

  torch_one_step.py RUN [--steps 1] [--data DIRECTORY] [--loss NATS] [--tolerance 1e-4]

RUN is a run directory with the checkpoints of step 0 and of step --steps. The steps between them are computed again from
the checkpoint's weights, its configuration and the data set's words, with autograd and nothing of ours; then each
parameter's change is compared (norm of the difference over norm of the change), and each step's losses with those in
run.db, or the first with --loss. Ends with 0 if all agree, 1 if not, 2 for a run it cannot check, 77 without torch.

The run must draw no random numbers: model.dropout = 0, the gate's noise = 0, data.shuffle = false; and its optimizer must be
sgd without momentum and decay. checkpoint.at_start = true and checkpoint.every_steps = 1 keep the checkpoints.
"""
import argparse
import json
import pathlib
import sqlite3
import struct
import sys
import tomllib

SKIPPED = 77
CANNOT_CHECK = 2
SENTENCE_MARK = 0  # </s>

try:
    import numpy
    import torch
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(SKIPPED)


def cannot_check(reason):
    print(f"torch_one_step: {reason}", file=sys.stderr)
    sys.exit(CANNOT_CHECK)


def read_safetensors(path):
    """{name: float32 array} of a safetensors file."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8:8 + length]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            cannot_check(f"{path}: {name} is {entry['dtype']}, not F32")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = numpy.frombuffer(content[begin:end], "<f4").reshape(entry["shape"])
    return tensors


def read_tokens(path, dtype):
    """The elements of a token file, behind its 64-byte header."""
    content = path.read_bytes()
    if content[:8] != b"SYTOKENS":
        cannot_check(f"{path} is no token file")
    return numpy.frombuffer(content[64:], dtype)


def batches(data, config):
    """(tokens, targets, resets) [B, S] of each step: unshuffled sentences dealt to rows, or running text."""
    B, S = config["batch_size"], config["sequence_length"]
    words = read_tokens(data / "train.tokens", "<i4").astype(numpy.int64)
    starts = read_tokens(data / "train.index", "<u8").astype(numpy.int64)
    inputs = numpy.concatenate(([SENTENCE_MARK], words[:-1]))
    if config["reset_state"]:
        inputs[starts[:-1]] = SENTENCE_MARK
    n = len(words)
    edges = [n // B * b + n % B * b // B for b in range(B + 1)]
    # Each row reads [at, end) of the text; a row at its end takes the next sentence, or its stretch again.
    rows = [[0, 0, True] if config["reset_state"] else [edges[b], edges[b + 1], True] for b in range(B)]
    next_sentence = 0
    while True:
        picked = numpy.empty((B, S), numpy.int64)
        resets = numpy.zeros((B, S), bool)
        for b, row in enumerate(rows):
            for t in range(S):
                if row[0] == row[1]:
                    if config["reset_state"]:
                        row[0], row[1] = starts[next_sentence], starts[next_sentence + 1]
                        next_sentence = (next_sentence + 1) % (len(starts) - 1)
                    else:
                        row[0] = edges[b]
                    row[2] = True
                resets[b, t] = row[2] or (not config["reset_state"] and row[0] == 0)
                picked[b, t] = row[0]
                row[0], row[2] = row[0] + 1, False
        yield inputs[picked], words[picked], resets


def learning_rate(schedule, step, total):
    """That of the step, which counts from 1."""
    warmup = schedule["warmup_steps"]
    rate = schedule["learning_rate"] * (min(step / warmup, 1.0) if warmup else 1.0)
    hold = warmup + schedule["hold_steps"]
    if schedule["kind"] == "inverse_sqrt" and step > hold > 0:
        rate *= (hold / step) ** 0.5
    if schedule["decay_steps"]:
        rate *= min(1.0, (total - step) / schedule["decay_steps"])
    return rate


class Model:
    """The forward pass, written down from the paper (appendix C.1) in batches of [B, S] words."""

    def __init__(self, config, parameters):
        self.layers = config["layers"]
        self.residual = config["residual"]
        self.forget_bias = config.get("lstm", {}).get("forget_bias", 1.0)
        self.moe = config.get("moe", {})
        self.p = parameters
        self.state = {}

    def losses(self, tokens, targets, resets):
        """Mean negative log-likelihood, what the balance losses add, and the part of them that has a gradient."""
        B, S = tokens.shape
        x = self.p["embedding.table"][tokens]
        balance = torch.zeros((), dtype=torch.float64)
        balance_value = 0.0
        for l, kind in enumerate(self.layers):
            name = f"layers.{l}"
            before = x if self.residual else 0.0
            if kind == "lstm":
                x = before + self.lstm(name, x, resets)
            else:
                y, importance_loss, load_loss = self.mixture(name, x.reshape(B * S, -1))
                x = before + torch.sigmoid(y).reshape(x.shape)
                balance = balance + importance_loss
                balance_value += float(importance_loss.detach()) + load_loss
        logits = x.reshape(B * S, -1) @ self.softmax_weights() + self.p["softmax.bias"]
        nll = -torch.log_softmax(logits, 1).gather(1, targets.reshape(-1, 1)).mean()
        return nll, balance, balance_value

    def softmax_weights(self):
        """[d_model, vocabulary]; tied, they are the embedding's table."""
        return self.p["softmax.kernel"] if "softmax.kernel" in self.p else self.p["embedding.table"].T

    def lstm(self, name, x, resets):
        """What torch.nn.LSTM calls, with our weights, one step at a time because of the resets."""
        kernel, bias = self.p[f"{name}.kernel"], self.p[f"{name}.bias"]
        projection = self.p.get(f"{name}.projection")
        inputs, units = x.shape[2], kernel.shape[1] // 4
        outputs = kernel.shape[0] - inputs
        # Its gates come as i, f, g, o, ours as i, j, f, o; its forget gate has no constant bias.
        i, j, f, o = torch.arange(4 * units).split(units)
        order = torch.cat([i, f, j, o])
        bias = bias + self.forget_bias * ((torch.arange(4 * units) // units) == 2)
        weights = [kernel[:inputs, order].T, kernel[inputs:, order].T, bias[order], torch.zeros_like(bias)]
        weights += [] if projection is None else [projection.T]
        m, c = self.state.get(name, [torch.zeros(1, x.shape[0], n, dtype=torch.float64) for n in (outputs, units)])
        steps = []
        for t in range(x.shape[1]):
            keep = (~resets[:, t]).double().reshape(1, -1, 1)
            y, m, c = torch.lstm(x[:, t].unsqueeze(0), (m * keep, c * keep), weights, True, 1, 0.0, True, False, False)
            steps.append(y[0])
        self.state[name] = (m.detach(), c.detach())
        return torch.stack(steps, 1)

    def mixture(self, name, x):
        """Output, importance loss with its gradient, value of the load loss (hard counts: no gradient)."""
        gate = self.moe["gate"]
        experts = [self.expert(name, g, e) for g, group in enumerate(self.moe["experts"])
                   for e in range(group.get("count", 1))]
        logits = x @ self.p[f"{name}.gate.w_gate"]
        k, n = gate.get("k", 4), len(experts)
        # Ties go to the lowest index: a stable sort, which topk is not.
        order = torch.sort(logits, dim=1, descending=True, stable=True).indices[:, :k]
        weights = torch.softmax(logits.gather(1, order), 1)
        dense = torch.zeros_like(logits).scatter(1, order, weights)
        y = torch.zeros_like(x)
        for e, expert in enumerate(experts):
            mine = (order == e).any(1).nonzero().squeeze(1)
            y = y.index_add(0, mine, dense[mine, e].unsqueeze(1) * expert(x[mine]))
        counts = torch.bincount(order.reshape(-1), minlength=n).double()
        importance = gate.get("w_importance", 0.1) * squared_variation(dense.sum(0))
        return y, importance, float(gate.get("w_load", 0.1) * squared_variation(counts))

    def expert(self, name, group, e):
        depth = len(self.moe["experts"][group].get("hidden", [1024]))
        kernels = [self.p[f"{name}.experts{group}.w{i}"][e] for i in range(depth + 1)]

        def apply(x):
            for kernel in kernels[:-1]:
                x = torch.relu(x @ kernel)
            return x @ kernels[-1]
        return apply


def squared_variation(v):
    mean = v.mean()
    return ((v - mean) ** 2).mean() / (mean * mean)


def require_checkable(config):
    optimizer, gate = config["optimizer"], config["model"].get("moe", {}).get("gate", {})
    wrong = [text for text, bad in (
        ("model.dropout must be 0", config["model"]["dropout"] != 0),
        ("data.shuffle must be false", config["data"]["shuffle"]),
        ("the optimizer must be sgd", optimizer["plugin"] != "sgd"),
        ("the optimizer must have no momentum", optimizer.get("momentum", 0) != 0),
        ("the optimizer must have no weight decay", optimizer.get("weight_decay", 0) != 0),
        ("model.softmax.sampled must be 0", config["model"].get("softmax", {}).get("sampled", 0) != 0),
        ("the gate must be noisy_topk", gate.get("plugin", "noisy_topk") != "noisy_topk"),
        ("the gate's noise must be 0", gate and gate.get("noise", 1) != 0),
        ("experts must be ffn with relu and without biases", any(
            e["plugin"] != "ffn" or e.get("activation", "relu") != "relu" or e.get("bias", False)
            for e in config["model"].get("moe", {}).get("experts", [])))) if bad]
    if wrong:
        cannot_check("; ".join(wrong))


def with_defaults(config):
    """Fills in what a configuration may leave out."""
    defaults = {"data": {"batch_size": 64, "sequence_length": 20, "shuffle": True, "reset_state": True},
                "model": {"dropout": 0.1, "layers": ["lstm", "moe", "lstm"], "residual": True},
                "schedule": {"kind": "inverse_sqrt", "learning_rate": 1e-3, "warmup_steps": 1000, "hold_steps": 0,
                             "decay_steps": 0},
                "train": {"steps": 1000, "clip_norm": 1.0}}
    return config | {name: values | config.get(name, {}) for name, values in defaults.items()}


def train(config, data, start, steps):
    """Parameters after the steps, and (task loss, balance loss) of each."""
    parameters = {name: torch.tensor(value, dtype=torch.float64) for name, value in start.items()}
    model = Model(config["model"], parameters)
    losses = []
    source = batches(data, config["data"])
    for step in range(1, steps + 1):
        for parameter in parameters.values():
            parameter.grad = None
            parameter.requires_grad_()
        tokens, targets, resets = (torch.from_numpy(part) for part in next(source))
        nll, balance, balance_value = model.losses(tokens, targets, resets)
        (nll + balance).backward()
        losses.append((float(nll.detach()), balance_value))
        grads = {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in parameters.items()}
        norm = sum(float((g * g).sum()) for g in grads.values()) ** 0.5
        clip = config["train"]["clip_norm"]
        rate = learning_rate(config["schedule"], step, config["train"]["steps"])
        rate *= min(1.0, clip / norm) if clip > 0 else 1.0
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter -= rate * grads[name]
    return {name: p.detach().numpy() for name, p in parameters.items()}, losses


def recorded_losses(run, steps, given):
    """{step: (task, balance)} from run.db, as far as it has them; a loss given on the command line counts first."""
    found = {}
    if (run / "run.db").exists():
        with sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True) as database:
            rows = database.execute(
                "SELECT n.name, m.step, m.value FROM metric m JOIN metric_name n ON n.id = m.name_id "
                "WHERE n.name IN ('task_loss', 'aux_loss') AND m.step <= ?", (steps,)).fetchall()
        values = {(name, step): value for name, step, value in rows}
        found = {step: (value, values.get(("aux_loss", step))) for (name, step), value in values.items()
                 if name == "task_loss"}
    if given is not None:
        found[1] = (given, found.get(1, (None, None))[1])
    return found


def compare(name, error, tolerance):
    good = error <= tolerance
    print(f"{'ok ' if good else 'BAD'} {name:32s} {error:10.2e}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--data", type=pathlib.Path, help="default: data.path of the configuration")
    parser.add_argument("--loss", type=float, help="task loss of step 1, instead of run.db's")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()

    begin, end = (args.run / "checkpoints" / f"step-{step}" for step in (0, args.steps))
    if not begin.is_dir() or not end.is_dir():
        cannot_check(f"needs {begin} and {end}")
    config = with_defaults(tomllib.loads((end / "config.toml").read_text()))
    require_checkable(config)
    start = read_safetensors(begin / "model.safetensors")
    ours = read_safetensors(end / "model.safetensors")
    expected, losses = train(config, args.data or pathlib.Path(config["data"]["path"]), start, args.steps)

    good = True
    recorded = recorded_losses(args.run, args.steps, args.loss)
    for step, (task, balance) in enumerate(losses, 1):
        for kind, value, theirs in (("task loss", task, recorded.get(step, (None, None))[0]),
                                    ("balance loss", balance, recorded.get(step, (None, None))[1])):
            if theirs is not None:
                error = abs(theirs - value) / max(abs(value), 1e-6)
                good &= compare(f"{kind} of step {step}: {value:.6f}", error, args.tolerance)
    if not recorded:
        print("no recorded loss: only the parameters are compared")
    if set(ours) != set(expected):
        print(f"BAD parameters differ: {sorted(set(ours) ^ set(expected))}")
        good = False
    for name in sorted(set(ours) & set(expected)):
        # Both as the f32 that a checkpoint can hold, so that its rounding does not count as an error.
        change = expected[name].astype(numpy.float32).astype(float) - start[name].astype(float)
        difference = expected[name].astype(numpy.float32).astype(float) - ours[name].astype(float)
        norm = float(numpy.linalg.norm(change))
        distance = float(numpy.linalg.norm(difference))
        good &= compare(name, distance / norm if norm > 0 else distance, args.tolerance)
    print("all agree" if good else "NOT ALL AGREE")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
