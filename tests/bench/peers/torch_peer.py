#!/usr/bin/python3
"""The cases of `switchyard bench` in PyTorch, at its best setting.

  lm    one training step of the language model: embedding, LSTM, MoE behind a noisy top-k gate with both balance
        losses, LSTM, softmax, with dropout and residuals as in Shazeer et al. 2017, appendix C.1; forward, backward
        and Adam on random words
  lstm, moe, head   one of its layers alone, forward and backward on random rows

In f32, or in bf16 by autocast.

  torch_peer.py --case moe --sweep                 times every setting, then the best one alone
  torch_peer.py --setting openmp,passive,bmm,foreach one setting

Prints one line of JSON. Needs Debian's python3-torch (for the sweep also libopenblas-openmp-dev and
libopenblas-pthread-dev); ends with 77 where it is missing.

What a setting is, and why the sweep: with Debian's torch, OpenBLAS with its own threads fights the OpenMP threads
of torch on few cores, an inherited OPENBLAS_CORETYPE can hide the AVX-512 kernels, and torch 1.13 uses AVX2 unless told
otherwise. A peer is measured at its best or not at all. These must be set before the process starts.
"""
import argparse
import itertools
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

BLAS_FOLDER = pathlib.Path("/usr/lib/x86_64-linux-gnu")
BLAS = ("openmp", "pthread")
WAIT = ("default", "passive")
MOE = ("loop", "bmm")
ADAM = ("foreach", "single")
SKIPPED = 77


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", default="lm", choices=("lm", "lstm", "moe", "head"))
    for name, value, text in (
        ("experts", 32, "experts of the MoE layer"), ("k", 4, "experts per token"), ("d", 512, "width of the model"),
        ("hidden", 1024, "hidden units of an expert"), ("vocab", 10000, "words"), ("batch", 64, "streams side by side"),
        ("steps", 20, "tokens per stream and step"), ("threads", 0, "0 = all cores"),
        ("warmup", 2, "training steps that do not count"), ("iterations", 8, "training steps that count")):
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{text} [{value}]")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--dtype", default="f32", choices=("f32", "bf16"), help="bf16: by autocast, the gate in f32")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--setting", default="openmp,passive,bmm,foreach", help="BLAS,WAIT,MOE,ADAM")
    parser.add_argument("--sweep", action="store_true", help="find the best setting first")
    parser.add_argument("--in-environment", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def environment_of(blas, wait, threads):
    env = dict(os.environ)
    env.pop("OPENBLAS_CORETYPE", None)
    folder = BLAS_FOLDER / f"openblas-{blas}"
    if folder.is_dir():
        env["LD_LIBRARY_PATH"] = f"{folder}:{env.get('LD_LIBRARY_PATH', '')}"
    env.pop("OMP_WAIT_POLICY", None)
    if wait != "default":
        env["OMP_WAIT_POLICY"] = wait
    if " avx512f" in pathlib.Path("/proc/cpuinfo").read_text():
        env["ATEN_CPU_CAPABILITY"] = "avx512"
    env["OMP_NUM_THREADS"] = env["OPENBLAS_NUM_THREADS"] = str(threads)
    return env


def run_child(args, settings):
    """Times settings of one BLAS and waiting policy in a process of their own; returns their rows."""
    blas, wait = settings[0].split(",")[:2]
    threads = args.threads or len(os.sched_getaffinity(0))
    command = [sys.executable, os.path.abspath(__file__), "--in-environment", "--settings", ";".join(settings)]
    for name in ("case", "experts", "k", "d", "hidden", "vocab", "batch", "steps", "warmup", "iterations", "dropout", "dtype", "device"):
        command += [f"--{name}", str(getattr(args, name))]
    command += ["--threads", str(threads)]
    done = subprocess.run(command, env=environment_of(blas, wait, threads), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return [json.loads(line) for line in done.stdout.splitlines()]


def sweep(args):
    best = None
    for blas, wait in itertools.product(BLAS, WAIT):
        if args.device == "cpu" and not (BLAS_FOLDER / f"openblas-{blas}").is_dir():
            print(f"no openblas-{blas} here: left out", file=sys.stderr)
            continue
        settings = [",".join((blas, wait, moe, adam)) for moe, adam in itertools.product(MOE, ADAM)]
        for row in run_child(args, settings):
            print(f"{row['setting']:32s} {row['step_ms']:9.1f} ms", file=sys.stderr)
            if best is None or row["step_ms"] < best["step_ms"]:
                best = row
    if best is None:
        sys.exit("no OpenBLAS of those this program knows; give a --setting")
    return best["setting"]


def build(torch, args, moe, device):
    """The parameters, and for every case a function that gives the loss of one batch."""
    F = torch.nn.functional
    D, E, H, V, K = args.d, args.experts, args.hidden, args.vocab, args.k
    rows = args.batch * args.steps

    def leaf(*shape, fan_in):
        bound = math.sqrt(3.0 / fan_in)
        return torch.empty(*shape, device=device).uniform_(-bound, bound).requires_grad_()

    def zeros(*shape):
        return torch.zeros(*shape, device=device, requires_grad=True)

    table = leaf(V, D, fan_in=D)
    lstms = [torch.nn.LSTM(D, D).to(device) for _ in range(2)]
    for lstm in lstms:
        with torch.no_grad():
            lstm.bias_ih_l0.zero_()[D:2 * D] = 1.0  # the forget gate's
            lstm.bias_hh_l0.zero_()
    w_gate, w_noise = zeros(D, E), zeros(D, E)
    if moe == "bmm":
        w0, w1 = leaf(E, D, H, fan_in=D), leaf(E, H, D, fan_in=H)
        experts = [w0, w1]
    else:
        w0, w1 = [leaf(D, H, fan_in=D) for _ in range(E)], [leaf(H, D, fan_in=H) for _ in range(E)]
        experts = [*w0, *w1]
    kernel, bias = leaf(D, V, fan_in=D), zeros(V)

    def squared_variation(v):
        mean = v.mean()
        return ((v - mean) ** 2).mean() / (mean * mean + 1e-10)

    def route(x):
        clean, raw = x @ w_gate, x @ w_noise
        sigma = F.softplus(raw) + 1e-2
        noisy = clean + torch.randn_like(clean) * sigma
        smooth = K < E
        top, order = noisy.topk(K + 1 if smooth else K, dim=1)
        weight, index = torch.softmax(top[:, :K], 1), order[:, :K]
        importance = torch.zeros(E, device=device).index_add(0, index.reshape(-1), weight.reshape(-1))
        loss = squared_variation(importance)
        if smooth:
            chosen = torch.zeros_like(clean, dtype=torch.bool).scatter(1, index, True)
            threshold = torch.where(chosen, top[:, K:K + 1], top[:, K - 1:K])
            margin = (clean - threshold) / sigma
            loss = loss + squared_variation((0.5 * torch.erfc(margin * -math.sqrt(0.5))).sum(0))
        return weight.reshape(-1), index.reshape(-1), 0.1 * loss

    def mixture(x):
        with torch.autocast(args.device, enabled=False):
            weight, index, loss = route(x)
        order = torch.argsort(index, stable=True)
        token = torch.div(order, K, rounding_mode="floor")
        counts = torch.bincount(index, minlength=E)
        if moe == "bmm":  # every expert padded to the rows of the busiest
            most = int(counts.max())
            expert = index[order]
            slot = expert * most + torch.arange(rows * K, device=device) - (torch.cumsum(counts, 0) - counts)[expert]
            padded = torch.zeros(E * most, D, device=device).index_copy(0, slot, x.index_select(0, token))
            y = torch.bmm(torch.relu(torch.bmm(padded.view(E, most, D), w0)), w1).view(E * most, D)
            y = y.index_select(0, slot) * weight.index_select(0, order).unsqueeze(1)
            return torch.zeros(rows, D, device=device).index_add(0, token, y), loss
        out = torch.zeros(rows, D, device=device)
        begin = 0
        for e, n in enumerate(counts.tolist()):
            if n > 0:
                pairs, mine = order[begin:begin + n], token[begin:begin + n]
                begin += n
                y = torch.relu(x.index_select(0, mine) @ w0[e]) @ w1[e]
                out = out.index_add_(0, mine, y * weight.index_select(0, pairs).unsqueeze(1))
        return out, loss

    def loss_of(tokens, targets):
        p = args.dropout
        x = F.dropout(F.embedding(tokens, table), p)
        x = x + F.dropout(lstms[0](x)[0], p)
        flat = x.reshape(rows, D)
        y, balance = mixture(flat)
        x = (flat + F.dropout(torch.sigmoid(y), p)).view(args.steps, args.batch, D)
        x = x + F.dropout(lstms[1](x)[0], p)
        logits = torch.addmm(bias, x.reshape(rows, D), kernel)
        return F.cross_entropy(logits, targets) + balance

    # For a layer alone: rows that want a gradient, and the gradient of what comes out.
    x_alone = torch.randn(args.steps, args.batch, D, device=device, requires_grad=True)
    grad_alone = torch.randn(rows, D, device=device)

    def through(y):
        return (y.reshape(rows, D).float() * grad_alone).sum()

    def moe_loss(_tokens, _targets):
        y, balance = mixture(x_alone.view(rows, D))
        return through(y) + balance

    cases = {
        "lm": loss_of, "moe": moe_loss,
        "lstm": lambda _tokens, _targets: through(lstms[0](x_alone)[0]),
        "head": lambda _tokens, targets: F.cross_entropy(torch.addmm(bias, x_alone.view(rows, D), kernel), targets)}
    parameters = [table, w_gate, w_noise, *experts, kernel, bias, x_alone]
    for lstm in lstms:
        parameters += list(lstm.parameters())
    return parameters, cases[args.case]


def time_setting(torch, args, setting):
    _, _, moe, adam = setting.split(",")
    torch.manual_seed(1)
    device = torch.device(args.device)
    parameters, loss_of = build(torch, args, moe, device)
    optimizer = torch.optim.Adam(parameters, lr=1e-3, foreach=adam == "foreach")
    tokens = torch.randint(0, args.vocab, (args.steps, args.batch), device=device)
    targets = torch.randint(0, args.vocab, (args.steps * args.batch,), device=device)
    milliseconds = []
    for step in range(args.warmup + args.iterations):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.dtype == "bf16"):
            loss = loss_of(tokens, targets)
        loss.backward()
        if args.case == "lm":
            optimizer.step()
        if args.device == "cuda":
            torch.cuda.synchronize()
        if step >= args.warmup:
            milliseconds.append((time.perf_counter() - begin) * 1e3)
    step_ms = statistics.median(milliseconds)
    return {"tokens_per_second": args.steps * args.batch / step_ms * 1e3, "step_ms": step_ms,
            "step_ms_min": min(milliseconds),
            "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "loss": float(loss.detach()), "dtype": args.dtype, "device": args.device, "setting": setting,
            "torch": torch.__version__, "threads": torch.get_num_threads()}


def main():
    args = parse(sys.argv[1:])
    try:
        import torch
    except ImportError:
        print("torch is missing: skipped", file=sys.stderr)
        return SKIPPED
    if args.in_environment:
        torch.set_num_threads(args.threads)
        for setting in args.settings.split(";"):
            print(json.dumps(time_setting(torch, args, setting)), flush=True)
        return 0
    setting = sweep(args) if args.sweep else args.setting
    print(json.dumps(run_child(args, [setting])[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
