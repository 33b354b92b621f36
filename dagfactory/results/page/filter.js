/* Which trials are kept by the brushes, and which one the pointer is on; whoever draws a trial marks it here. */

class Shown {
  constructor(experiment) {
    this.experiment = experiment;
    this.tests = new Map(); // axis → whether a trial is in its brush
    this.marks = experiment.trials.map(() => []);
    this.rows = [];
    this.after = [];
    this.waiting = false;
    this.on = null;
  }

  add(trial, node) {
    node.style.setProperty("--color", tint(trial));
    node.addEventListener("pointerenter", () => {
      // only now: thousands of titles would make the page slow to open
      const words = `${trial.name}: ${trial.problem || format(trial.value)}`;
      if (!node.firstChild) drawn(node, "title", {}, words);
      this.point(trial.place);
    });
    node.addEventListener("pointerleave", () => this.point(null));
    this.marks[trial.place].push(node);
    return node;
  }

  keep(axis, test) {
    if (test) this.tests.set(axis, test);
    else this.tests.delete(axis);
    this.paint();
  }

  point(place) {
    for (const [each, set] of [[this.on, false], [place, true]]) {
      if (each === null) continue;
      for (const node of this.marks[each]) node.classList.toggle("on", set);
      if (this.rows[each]) this.rows[each].classList.toggle("on", set);
    }
    this.on = place;
  }

  /* Once a frame: a pointer moves more often than a screen shows. */
  paint() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.apply();
    });
  }

  apply() {
    const tests = [...this.tests.values()];
    let count = 0;
    for (const trial of this.experiment.trials) {
      const kept = tests.every((test) => test(trial));
      count += kept;
      for (const node of this.marks[trial.place]) node.classList.toggle("out", !kept);
      if (this.rows[trial.place]) this.rows[trial.place].hidden = !kept;
    }
    for (const tell of this.after) tell(count, tests.length);
  }
}
