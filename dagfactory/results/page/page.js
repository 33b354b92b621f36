/* The page from top to bottom: the runs, one experiment at a time, what every run did. */

function head() {
  const parent = document.getElementById("head");
  const names = [...new Set(DATA.runs.map((run) => run.pipeline))];
  element(parent, "h1", {}, names.join(", "));
  const several = DATA.runs.length > 1;
  const box = section(parent, several ? "Runs" : "Run", "");
  const columns = ["run", "state", "began (UTC)", "took", "jobs", "machine time", "dollars", "best"];
  const body = table(box, several ? ["", ...columns] : columns);
  DATA.runs.forEach((run, n) => {
    const line = element(body, "tr");
    if (several) element(line, "td", {}, n + 1);
    linked(element(line, "td"), run.link, several ? `${run.pipeline} ${run.name}` : run.name, { class: "name" });
    element(line, "td", { class: mood(run.state) }, run.state || "–");
    const took = duration(hoursBetween(run.began, run.ended));
    for (const text of [moment(run.began), took, run.jobs.length, duration(run.hours), dollars(run.usd)]) {
      element(line, "td", {}, text);
    }
    element(line, "td", { class: "wide" }, bestOf(n));
  });
}

function table(parent, columns) {
  const made = element(element(parent, "div", { class: "scroll" }), "table");
  const line = element(element(made, "thead"), "tr");
  for (const name of columns) element(line, "th", {}, name);
  return element(made, "tbody");
}

function bestOf(run) {
  for (const experiment of DATA.experiments) {
    const best = experiment.trials.find((trial) => trial.run === run && trial.value !== undefined);
    if (best) return `${experiment.task}: ${experiment.metric} ${format(best.value)}`;
  }
  return "–";
}

const JOB = ["task", "folder", "state", "began", "ended", "place", "choice", "restarts", "usd", "reason"];

/* Jobs come as rows, and trials without their addresses: that makes a page half as large. */
function unpack() {
  for (const run of DATA.runs) {
    run.jobs = run.jobs.map((row) => {
      const job = Object.fromEntries(JOB.map((name, n) => [name, row[n] ?? undefined]));
      [job.machine, job.region, job.provisioning] = run.places[job.place];
      return { ...job, link: below(run, job.folder) };
    });
  }
  for (const experiment of DATA.experiments) {
    for (const trial of experiment.trials) {
      trial.folder = experiment.is_sweep ? `${experiment.task}/${trial.name}` : experiment.task;
      trial.link = below(DATA.runs[trial.run], trial.folder);
    }
  }
}

function prepare(experiment) {
  const good = experiment.trials.filter((trial) => trial.value !== undefined);
  good.forEach((trial, n) => {
    trial.standing = n / Math.max(1, good.length - 1);
  });
  experiment.trials.forEach((trial, n) => {
    trial.place = n;
  });
}

function verdict(parent, experiment) {
  const best = experiment.trials.find((trial) => trial.value !== undefined);
  const failed = experiment.trials.filter((trial) => trial.value === undefined).length;
  const words = element(parent, "p", { class: "verdict" });
  if (!best) {
    words.textContent = experiment.metric ? "No trial has a value." : "It has left no numbers.";
    return;
  }
  element(words, "strong", {}, `${experiment.metric} ${format(best.value)}`);
  const named = experiment.parameters.map((name, n) => [name, best.parameters[n]]);
  const known = named.filter(([, value]) => !gone(value));
  const given = known.map(([name, value]) => `${name} ${format(value)}`).join(", ");
  const count = experiment.trials.length;
  const kind = experiment.goal === "minimize" ? "smallest" : "largest";
  words.append(given ? ` with ${given}` : "");
  words.append(count > 1 ? `; the ${kind} of ${count}` : "");
  words.append(count > 1 && failed ? `, ${failed} without a value. ` : ". ");
  linked(words, best.link, "its files");
}

function show(experiment, parent) {
  parent.replaceChildren();
  prepare(experiment);
  verdict(parent, experiment);
  const shown = new Shown(experiment);
  const good = experiment.trials.filter((trial) => trial.value !== undefined).length;
  const varies = axesOf(experiment).length > 0 && experiment.trials.length > 1;
  if (varies && good) {
    const words = "Drag along an axis to keep a range, click it to let go; blue is best, dashed has no value.";
    parallel(section(parent, "Parameters and metric", words), experiment, shown);
    const each = "ρ is Spearman's rank correlation with the metric, over all trials.";
    scatters(section(parent, "One parameter at a time", each), experiment, shown);
  }
  const halves = element(parent, "div", { class: "halves" });
  if (experiment.series.length) learningCurves(halves, experiment, shown);
  if (experiment.trials.length > 1 && good) bestSoFar(halves, experiment, shown);
  allMetrics(halves, experiment);
  if (experiment.trials.length > 1 || !good) trialTable(parent, experiment, shown);
  filesOf(parent, experiment.trials[0]);
  shown.apply();
}

/* All metrics of one job, or of the same task in several runs, side by side. */
function allMetrics(parent, experiment) {
  if (experiment.is_sweep || !experiment.trials.length) return;
  const names = [experiment.metric, ...experiment.metrics].filter(Boolean);
  const several = experiment.trials.length > 1;
  const columns = experiment.trials.map((trial) => (several ? `run ${trial.run + 1}` : "value"));
  const box = section(parent, "Metrics", several ? "Of the same task in each run." : "");
  const body = table(box, ["metric", ...columns]);
  names.forEach((name, n) => {
    const line = element(body, "tr");
    element(line, "td", {}, name);
    for (const trial of experiment.trials) element(line, "td", {}, format(n ? trial.metrics[n - 1] : trial.value));
  });
}

function filesOf(parent, best) {
  if (!best || !best.files) return;
  const list = element(section(parent, "Files", `Of ${best.name}.`), "div", { class: "files" });
  for (const file of best.files) {
    const line = element(list, "div");
    linked(line, below(DATA.runs[best.run], `${best.folder}/${file.name}`), file.name, { class: "name" });
    element(line, "span", { class: "quiet" }, bytes(file.size));
  }
}

function experiments(parent) {
  if (!DATA.experiments.length) return;
  const tabs = element(parent, "nav", { class: "tabs", "aria-label": "tasks with results" });
  const place = element(parent, "div", { id: "experiment" });
  const buttons = DATA.experiments.map((experiment) => {
    const count = experiment.trials.length;
    const button = element(tabs, "button", {}, `${experiment.task}${experiment.is_sweep ? ` · ${count} trials` : ""}`);
    button.addEventListener("click", () => choose(experiment, button));
    return button;
  });
  const choose = (experiment, button) => {
    for (const each of buttons) each.setAttribute("aria-pressed", each === button);
    show(experiment, place);
  };
  choose(DATA.experiments[0], buttons[0]);
}

function gates(parent) {
  const found = DATA.runs.flatMap((run, n) => run.gates.map((gate) => [gate, n]));
  if (!found.length) return;
  const several = DATA.runs.length > 1;
  const columns = ["gate", "decision", "values", "because"];
  const body = table(section(parent, "Gates", ""), several ? ["run", ...columns] : columns);
  for (const [gate, run] of found) {
    const line = element(body, "tr");
    if (several) element(line, "td", {}, run + 1);
    element(line, "td", {}, gate.name);
    element(line, "td", { class: gate.passed ? "good" : "bad" }, gate.passed ? "passed" : "did not pass");
    const values = Object.entries(gate.values || {}).map(([name, value]) => `${name} ${format(value)}`);
    element(line, "td", {}, values.join(", "));
    element(line, "td", { class: "wide" }, gate.reason);
  }
}

function failures(parent) {
  const bad = DATA.runs.flatMap((run, n) => run.tasks.filter((task) => task.reason).map((task) => [task, n]));
  if (!bad.length) return;
  const body = table(section(parent, "Failed tasks", ""), ["run", "task", "state", "tries", "because"]);
  for (const [task, run] of bad) {
    const line = element(body, "tr");
    for (const text of [run + 1, task.name, task.state, task.tries]) element(line, "td", {}, text);
    element(line, "td", { class: "wide bad" }, task.reason);
  }
}

function notes(parent) {
  const found = DATA.runs.flatMap((run, n) => run.notes.map((note) => `run ${n + 1}: ${note}`));
  if (!found.length) return;
  const list = element(section(parent, "What could not be read", ""), "ul");
  for (const note of found) element(list, "li", {}, note);
}

function page() {
  const main = document.getElementById("main");
  unpack();
  head();
  experiments(main);
  gates(main);
  failures(main);
  DATA.runs.forEach((run, n) => timeline(main, run, DATA.runs.length > 1 ? ` of run ${n + 1}` : ""));
  notes(main);
  document.documentElement.dataset.ready = "yes";
}

page();
