/* The table of trials: sorted by a click on a column, cut by the brushes. */

const METRICS_SHOWN = 4;

function columnsOf(experiment) {
  const several = new Set(experiment.trials.map((trial) => trial.run)).size > 1;
  const columns = [{ name: "trial", value: (trial) => trial.name, kind: "link" }];
  if (several) columns.push({ name: "run", value: (trial) => trial.run + 1 });
  columns.push({ name: experiment.metric || "metric", value: (trial) => trial.value });
  experiment.parameters.forEach((name, n) => columns.push({ name, value: (trial) => trial.parameters[n] }));
  columns.push({ name: "state", value: (trial) => trial.state });
  columns.push({ name: "time", value: (trial) => trial.hours, text: duration });
  columns.push({ name: "dollars", value: (trial) => trial.usd, text: dollars });
  columns.push({ name: "why it has no value", value: (trial) => trial.problem, kind: "wide bad" });
  experiment.metrics.slice(0, METRICS_SHOWN).forEach((name, n) => {
    columns.push({ name, value: (trial) => trial.metrics[n] });
  });
  return columns.filter((column) => experiment.trials.some((trial) => !gone(column.value(trial))));
}

function trialTable(parent, experiment, shown) {
  const box = section(parent, "Trials", "");
  const words = box.querySelector("p");
  const table = element(element(box, "div", { class: "scroll" }), "table", { id: "trials" });
  const columns = columnsOf(experiment);
  const head = element(element(table, "thead"), "tr");
  const body = element(table, "tbody");
  for (const column of columns) {
    const kinds = new Set(experiment.trials.map((trial) => typeof (column.value(trial) ?? undefined)));
    column.number = kinds.has("number") && !kinds.has("string");
  }
  for (const trial of experiment.trials) shown.rows[trial.place] = row(body, columns, trial, shown);
  columns.forEach((column) => {
    const look = { "aria-sort": "none", tabindex: 0, class: column.number ? "number" : "" };
    column.head = element(head, "th", look, column.name);
    const sort = () => sortBy(column, columns, experiment, shown, body);
    column.head.addEventListener("click", sort);
    column.head.addEventListener("keydown", (event) => event.key === "Enter" && sort());
  });
  const clear = element(box.querySelector("header"), "button", { hidden: "" }, "show all");
  clear.addEventListener("click", () => shown.clears.forEach((each) => each()));
  shown.after.push((count, tests) => {
    clear.hidden = !tests;
    const kept = `${count} of ${experiment.trials.length} are kept by the brushes.`;
    words.textContent = tests ? kept : `${count} in all; a click on a column sorts.`;
  });
}

function row(body, columns, trial, shown) {
  const line = element(body, "tr", { "data-trial": trial.name, class: trial.place ? "" : "first" });
  for (const column of columns) {
    const value = column.value(trial);
    const text = column.text ? column.text(value) : format(value);
    const cell = element(line, "td", { class: column.kind || (column.number ? "number" : "") });
    if (column.kind === "link") linked(cell, trial.link, text, { class: "name" });
    else if (column.name === "state") element(cell, "span", { class: mood(value) }, text);
    else if (!String(column.kind).startsWith("wide") || value) cell.textContent = text;
  }
  line.addEventListener("pointerenter", () => shown.point(trial.place));
  line.addEventListener("pointerleave", () => shown.point(null));
  return line;
}

function sortBy(column, columns, experiment, shown, body) {
  const sign = column.head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const each of columns) each.head.setAttribute("aria-sort", "none");
  column.head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const order = (a, b) => compared(column.value(a), column.value(b), sign) || a.place - b.place;
  const sorted = [...experiment.trials].sort(order);
  body.append(...sorted.map((trial) => shown.rows[trial.place]));
}

function gone(value) {
  return value === undefined || value === null;
}

/* What is missing stands last, in either direction. */
function compared(one, other, sign) {
  if (gone(one) || gone(other)) return gone(one) - gone(other);
  if (typeof one === "number" && typeof other === "number") return sign * (one - other);
  return sign * String(one).localeCompare(String(other), "en", { numeric: true });
}
