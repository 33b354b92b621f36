/* One small chart for each parameter, learning curves, and the best so far. */

function frame(svg, across, up, box) {
  const ends = [up.ticks[0], up.ticks.at(-1)];
  for (const tick of ends[0] < ends[1] ? even(...ends) : up.ticks) {
    const y = up.place(tick);
    drawn(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y });
    drawn(svg, "text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, short(format(tick), 9));
  }
  const room = Math.max(1, Math.ceil((across.ticks.length * 46) / (box.right - box.left)));
  across.ticks.forEach((tick, n) => {
    if (n % room) return;
    const x = across.place(tick);
    drawn(svg, "text", { x, y: box.bottom + 16, "text-anchor": "middle" }, short(format(tick), 10));
  });
  drawn(svg, "line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
}

function spot(parent, cx, cy, trial, shown) {
  const node = drawn(parent, "circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 3.5, class: "trial" });
  shown.add(trial, node);
}

function scatters(parent, experiment, shown) {
  const cards = element(parent, "div", { class: "cards" });
  for (const axis of axesOf(experiment)) scatter(element(cards, "div"), axis, experiment, shown);
}

function scatter(parent, axis, experiment, shown) {
  const box = { left: 46, right: 244, top: 26, bottom: 150 };
  const svg = picture(parent, 256, 176, `${experiment.metric} by ${axis.name}`);
  const good = experiment.trials.filter((trial) => trial.value !== undefined);
  const across = scale(good.map(axis.value), box.left + 8, box.right - 6);
  const up = scale(good.map((trial) => trial.value), box.bottom - 6, box.top + 6, "linear");
  drawn(svg, "text", { class: "title", x: box.left, y: 12 }, short(axis.name, 20));
  const rho = experiment.correlations[axis.name];
  const words = rho === undefined ? "" : `ρ ${rho < 0 ? "−" : "+"}${Math.abs(rho).toFixed(2)}`;
  drawn(svg, "text", { x: box.right, y: 12, "text-anchor": "end" }, words);
  frame(svg, across, up, box);
  const spots = drawn(svg, "g", { class: crowd(good) });
  for (const trial of [...good].reverse()) {
    const value = axis.value(trial);
    if (value === null || value === undefined) continue;
    spot(spots, across.place(value), up.place(trial.value), trial, shown);
  }
}

function learningCurves(parent, experiment, shown) {
  const box = section(parent, "Learning curves", "");
  const choice = element(box.querySelector("header"), "select", { "aria-label": "series" });
  experiment.series.forEach((name, n) => element(choice, "option", { value: n }, name));
  const svg = picture(box, 560, 298, "Learning curves, one line for each trial");
  const draw = () => {
    svg.replaceChildren();
    drawCurves(svg, experiment, Number(choice.value), shown);
  };
  choice.addEventListener("change", draw);
  draw();
}

function drawCurves(svg, experiment, series, shown) {
  const edge = { left: 52, right: 552, top: 8, bottom: 262 };
  const found = experiment.trials.filter((trial) => trial.curves[series]);
  const steps = found.flatMap((trial) => experiment.steps[trial.curves[series][0]]);
  const across = scale(steps, edge.left, edge.right - 6, "linear");
  const up = scale(found.flatMap((trial) => trial.curves[series][1]), edge.bottom - 4, edge.top, "linear");
  frame(svg, across, up, edge);
  drawn(svg, "text", { x: edge.right, y: edge.bottom + 32, "text-anchor": "end" }, "step");
  const lines = drawn(svg, "g", { class: crowd(found) });
  for (const trial of [...found].reverse()) {
    const [at, values] = trial.curves[series];
    const x = (n) => across.place(experiment.steps[at][n]).toFixed(1);
    const points = values.map((value, n) => `${x(n)},${up.place(value).toFixed(1)}`);
    shown.marks[trial.place] = shown.marks[trial.place].filter((node) => node.isConnected);
    // a curve of one point is still one
    const path = `M${points.join("L")}${points.length > 1 ? "" : "h3"}`;
    const line = drawn(lines, "path", { d: path, class: trial.value === undefined ? "trial failed" : "trial" });
    shown.add(trial, line);
  }
  shown.paint();
}

function bestSoFar(parent, experiment, shown) {
  const timed = experiment.trials.every((trial) => trial.ended);
  const words = timed ? "In the order in which the trials ended." : "In the order of the sweep's list.";
  const box = section(parent, "Best so far", words);
  const svg = picture(box, 560, 298, "The best value so far");
  const edge = { left: 52, right: 552, top: 8, bottom: 262 };
  const order = timed ? (a, b) => a.ended.localeCompare(b.ended) : (a, b) => a.run - b.run || a.order - b.order;
  const trials = [...experiment.trials].sort(order);
  const good = trials.filter((trial) => trial.value !== undefined);
  const across = scale([1, trials.length], edge.left + 8, edge.right, "linear");
  across.ticks = even(1, trials.length).filter(Number.isInteger);
  const up = scale(good.map((trial) => trial.value), edge.bottom - 6, edge.top + 4, "linear");
  frame(svg, across, up, edge);
  drawn(svg, "text", { x: edge.right, y: edge.bottom + 32, "text-anchor": "end" }, "trials");
  const spots = drawn(svg, "g", { class: crowd(good) });
  let best = null;
  let path = "";
  trials.forEach((trial, n) => {
    const x = across.place(n + 1);
    if (trial.value === undefined) {
      drawn(svg, "text", { x, y: edge.bottom - 3, "text-anchor": "middle", class: "lost" }, "×");
      return;
    }
    spot(spots, x, up.place(trial.value), trial, shown);
    if (best !== null && !better(experiment, trial.value, best)) return;
    best = trial.value;
    path += path ? `H${x}V${up.place(best)}` : `M${x},${up.place(best)}`;
  });
  if (path) drawn(svg, "path", { d: `${path}H${edge.right}`, class: "best" });
}

function better(experiment, value, than) {
  return experiment.goal === "minimize" ? value < than : value > than;
}
