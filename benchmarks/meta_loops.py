"""One way to take MAML's second-order gradient, timed in a process of its own: what `meta_speed.py` asks it.

python meta_loops.py handful|plain|higher|torchopt

Reads requests, a line of JSON each, and answers a line each. Only torch is needed, and what the way is named after.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WAYS, QUERIES, SIDE, STEP_SIZE = 5, 15, 28, 0.05
CONVOLUTIONS = ("aten::mkldnn_convolution", "aten::convolution_backward")
Episode = tuple[Tensor, Tensor, Tensor, Tensor]  # support, its classes, query, its classes
Backward = Callable[[Episode, int], None]  # adds the gradient of a task's loss over a count of tasks


def episodes(count: int, kind: torch.dtype) -> list[Episode]:
    """Seeded tasks of one image a class, smooth enough that no two pixels of a pool are alike."""
    draw, found = torch.Generator().manual_seed(0), []
    classes = torch.arange(WAYS)
    for _ in range(count):
        own = torch.randn(WAYS, 1, SIDE, SIDE, generator=draw, dtype=torch.float64)
        noise = torch.randn(WAYS * (QUERIES + 1), 1, SIDE, SIDE, generator=draw, dtype=torch.float64)
        images = (own.repeat(QUERIES + 1, 1, 1, 1) + noise).to(kind)
        found.append((images[:WAYS], classes, images[WAYS:], classes.repeat(QUERIES)))
    return found


def conv4(width: int, strided: bool) -> nn.Sequential:
    """Conv4 as the papers have it, of torch's own layers, with the statistics of the batch."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for bands in (1, width, width, width):
        layers += [nn.Conv2d(bands, width, 3, 2 if strided else 1, padding=1)]
        layers += [nn.BatchNorm2d(width, track_running_stats=False), nn.ReLU()]
        layers += [] if strided else [nn.MaxPool2d(2)]
    left = 2 if strided else 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * left**2, WAYS))


def plain(net: nn.Module, steps: int) -> Backward:
    """What one writes by hand: `functional_call`, and `autograd.grad` that keeps its graph."""

    def loss(weights: dict[str, Tensor], images: Tensor, classes: Tensor) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(net, weights, (images,)), classes)

    def backward(episode: Episode, count: int) -> None:
        weights: dict[str, Tensor] = dict(net.named_parameters())
        for _ in range(steps):
            slopes = torch.autograd.grad(loss(weights, *episode[:2]), list(weights.values()), create_graph=True)
            weights = {name: w - STEP_SIZE * s for (name, w), s in zip(weights.items(), slopes, strict=True)}
        (loss(weights, *episode[2:]) / count).backward()

    return backward


def higher(net: nn.Module, steps: int) -> Backward:
    import higher as library

    descent = torch.optim.SGD(net.parameters(), lr=STEP_SIZE)

    def backward(episode: Episode, count: int) -> None:
        with library.innerloop_ctx(net, descent, copy_initial_weights=False) as (moved, inner):
            for _ in range(steps):
                inner.step(F.cross_entropy(moved(episode[0]), episode[1]))
            (F.cross_entropy(moved(episode[2]), episode[3]) / count).backward()

    return backward


def torchopt(net: nn.Module, steps: int) -> Backward:
    import torchopt as library

    inner = library.MetaSGD(net, lr=STEP_SIZE)
    start = [library.extract_state_dict(of, by="reference") for of in (net, inner)]

    def backward(episode: Episode, count: int) -> None:
        for _ in range(steps):
            inner.step(F.cross_entropy(net(episode[0]), episode[1]))
        (F.cross_entropy(net(episode[2]), episode[3]) / count).backward()
        for of, state in zip((net, inner), start, strict=True):
            library.recover_state_dict(of, state)

    return backward


def handful(net: nn.Module, steps: int, width: int, strided: bool, **settings: bool) -> tuple[Backward, nn.Module]:
    """handful's own path: a task's step of `meta_train`, on a learner with the same weights; and the learner's net."""
    from handful import make
    from handful.meta_train import Run, Training
    from handful.problem import Classes
    from handful.task import Examples, Task

    inner = {"bands": 1, "width": width, "side": SIDE, "batch_norm": True, "strided": strided}
    learner = make(
        "maml", encoder="conv4", encoder_settings=inner, outputs=WAYS, steps=steps, step_size=STEP_SIZE, **settings
    )
    learner.net.to(next(net.parameters()).dtype).train()
    with torch.no_grad():
        for own, given in zip(learner.net.parameters(), net.parameters(), strict=True):
            own.copy_(given)
    run, problem = Run.of(learner, Training()), Classes(tuple("abcde"))

    def backward(episode: Episode, count: int) -> None:
        support, query = Examples(*episode[:2], problem), Examples(*episode[2:], problem)
        run.descend(Task(support, query), count)

    return backward, learner.net


def made(name: str, request: dict[str, Any], kind: torch.dtype) -> tuple[Backward, nn.Module]:
    width, strided, steps = request["width"], request["strided"], request["steps"]
    net = conv4(width, strided).to(kind).train()
    if name == "handful":
        return handful(net, steps, width, strided, **request.get("settings", {}))
    return {"plain": plain, "higher": higher, "torchopt": torchopt}[name](net, steps), net


def run(backward: Backward, some: Iterable[Episode], count: int) -> float:
    """CPU seconds of the gradient of so many tasks."""
    began = time.process_time()
    for episode in some:
        backward(episode, count)
    return time.process_time() - began


def gradient(backward: Backward, net: nn.Module, some: list[Episode]) -> list[float]:
    net.zero_grad()
    run(backward, some, len(some))
    return torch.cat([w.grad.flatten().double() for w in net.parameters() if w.grad is not None]).tolist()


def peak_mb(backward: Backward, some: list[Episode]) -> float:
    """The most memory that a task takes above what the process held before it, in MB; best asked of a fresh process."""
    before = status_kb("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    run(backward, some, len(some))
    return (status_kb("VmHWM") - before) / 1024


def status_kb(name: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))


def share_of_convolutions(backward: Backward, some: list[Episode]) -> float:
    """Of the time of all of torch's operations, as its profiler sees it."""
    run(backward, some, len(some))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        run(backward, some, len(some))
    spent = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    return sum(time for key, time in spent.items() if key in CONVOLUTIONS) / sum(spent.values())


def answer(name: str, request: dict[str, Any]) -> Any:
    kind = getattr(torch, request.get("kind", "float32"))
    backward, net = made(name, request, kind)
    some = episodes(request["tasks"], kind)
    if request["ask"] == "gradient":
        return gradient(backward, net, some)
    if request["ask"] == "memory":
        return peak_mb(backward, some)
    if request["ask"] == "share":
        return share_of_convolutions(backward, some)
    run(backward, some[:2], len(some))
    return run(backward, some, len(some))


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(answer(sys.argv[1], json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
