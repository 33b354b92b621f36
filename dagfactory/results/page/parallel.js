/* Parallel coordinates: an axis for each parameter that varies, and one for the metric. */

const HIGH = 314;
const TOP = 44;
const BOTTOM = 272;
const UNDER = BOTTOM + 18; // where trials without a value end

function axesOf(experiment) {
  const axes = experiment.parameters
    .map((name, n) => ({ name, value: (trial) => trial.parameters[n] }))
    .filter((axis) => new Set(experiment.trials.map(axis.value)).size > 1);
  if (new Set(experiment.trials.map((trial) => trial.run)).size > 1) {
    axes.unshift({ name: "run", value: (trial) => `${trial.run + 1}` });
  }
  return axes;
}

function parallel(parent, experiment, shown) {
  const axes = [...axesOf(experiment), { name: experiment.metric, value: (trial) => trial.value, isMetric: true }];
  const width = Math.max(1150, axes.length * 110);
  const box = element(parent, "div", { class: "scroll" });
  const svg = picture(box, width, HIGH, "Parameters and metric of every trial, one line each");
  if (width > 1150) svg.style.width = `${width}px`;
  const draw = () => {
    svg.replaceChildren();
    drawParallel(svg, axes, width, experiment, shown, draw);
  };
  draw();
}

function drawParallel(svg, axes, width, experiment, shown, again) {
  const step = (width - 170) / Math.max(1, axes.length - 1);
  axes.forEach((axis, n) => {
    const kind = axis.kind || (axis.isMetric ? "linear" : "auto");
    axis.x = 86 + n * step;
    axis.scale = scale(experiment.trials.map(axis.value), BOTTOM, TOP, kind);
    if (axis.isMetric && axis.scale.ticks.length > 1 && axis.scale.kind === "linear") {
      axis.scale.ticks = even(axis.scale.ticks[0], axis.scale.ticks.at(-1));
    }
    axis.y = (trial) => {
      const value = axis.value(trial);
      return value === undefined || value === null ? UNDER : axis.scale.place(value);
    };
  });
  const lines = drawn(svg, "g", { class: crowd(experiment.trials) });
  // the best is drawn last, over the others
  for (const trial of [...experiment.trials].reverse()) {
    const d = axes.map((axis, n) => `${n ? "L" : "M"}${axis.x.toFixed(1)},${axis.y(trial).toFixed(1)}`).join("");
    const kind = trial.value === undefined ? "trial failed" : "trial";
    const line = drawn(lines, "path", { d, class: kind, "data-trial": trial.name });
    shown.marks[trial.place] = shown.marks[trial.place].filter((node) => node.isConnected);
    shown.add(trial, line);
  }
  for (const axis of axes) drawAxis(svg, axis, shown, again);
  shown.paint();
}

function drawAxis(svg, axis, shown, again) {
  const { x, scale: made } = axis;
  drawn(svg, "line", { class: "axis", x1: x, x2: x, y1: TOP, y2: BOTTOM });
  const side = axis.isMetric ? 1 : -1; // the last axis has room on its right
  const anchor = axis.isMetric ? "start" : "end";
  for (const tick of made.ticks.slice(0, 24)) {
    const y = made.place(tick);
    drawn(svg, "line", { class: "axis", x1: x + 4 * side, x2: x, y1: y, y2: y });
    const text = { class: "tick", x: x + 7 * side, y: y + 4, "text-anchor": anchor };
    drawn(svg, "text", text, short(format(tick), 14));
  }
  const kind = made.can ? (made.kind === "log" ? " · log" : " · linear") : "";
  const title = drawn(svg, "text", { class: "title", x, y: 16, "text-anchor": "middle" }, short(axis.name, 24));
  const words = drawn(svg, "text", { x, y: 31, "text-anchor": "middle", class: kind ? "toggle" : "" }, kind.slice(3));
  drawn(title, "title", {}, axis.name);
  if (made.can) {
    drawn(words, "title", {}, "click: linear or logarithmic");
    words.addEventListener("click", () => {
      axis.kind = made.kind === "log" ? "linear" : "log";
      axis.brush = null;
      shown.keep(axis.name, null);
      again();
    });
  }
  brush(svg, axis, shown);
}

function brush(svg, axis, shown) {
  const mark = drawn(svg, "rect", { class: "brush", x: axis.x - 9, width: 18, y: 0, height: 0, visibility: "hidden" });
  const words = drawn(svg, "text", { class: "tick range", x: axis.x, y: HIGH - 4, "text-anchor": "middle" });
  const hit = drawn(svg, "rect", {
    class: "hit", x: axis.x - 16, width: 32, y: TOP - 8, height: UNDER - TOP + 16, "data-axis": axis.name,
  });
  let from = null;
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return ((event.clientY - box.top) / box.height) * HIGH;
  };
  const set = (low, high) => {
    axis.brush = high - low > 2 ? [low, high] : null;
    const brushed = axis.brush;
    mark.setAttribute("visibility", brushed ? "visible" : "hidden");
    mark.setAttribute("y", low);
    mark.setAttribute("height", high - low);
    const ends = brushed && axis.scale.invert ? [high, low].map((y) => format(axis.scale.invert(y))) : [];
    words.textContent = ends.join(" … ");
    shown.keep(axis.name, brushed && ((trial) => inside(axis.y(trial), brushed)));
  };
  hit.addEventListener("pointerdown", (event) => {
    from = at(event);
    hit.setPointerCapture(event.pointerId);
    set(from, from);
  });
  hit.addEventListener("pointermove", (event) => {
    if (from !== null) set(Math.min(from, at(event)), Math.max(from, at(event)));
  });
  hit.addEventListener("pointerup", () => {
    from = null;
  });
  axis.clear = () => set(0, 0);
  if (axis.brush) set(...axis.brush);
  shown.clears = shown.clears || new Map();
  shown.clears.set(axis.name, axis.clear);
}

function inside(y, [low, high]) {
  return y >= low && y <= high;
}

function short(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
