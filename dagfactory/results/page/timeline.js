/* When each task and job ran: fallbacks, restarts and dollars beside the bars. */

function lanes(items) {
  const ends = [];
  for (const item of [...items].sort((a, b) => a.from - b.from)) {
    let lane = ends.findIndex((end) => end <= item.from);
    if (lane < 0) lane = ends.length;
    ends[lane] = item.to;
    item.lane = lane;
  }
  return ends.length;
}

function spans(run) {
  const span = (each, kind) => {
    const from = Date.parse(each.began);
    return { ...each, kind, from, to: Math.max(from, Date.parse(each.ended || run.ended) || from) };
  };
  const jobs = run.jobs.map((job) => span({ ...job, label: job.task }, "job"));
  const tasks = run.tasks.map((task) => span({ ...task, label: task.name }, "task"));
  return [...tasks, ...jobs].filter((each) => Number.isFinite(each.from));
}

function timeline(parent, run, label) {
  const all = spans(run);
  if (!all.length) return;
  const taken = run.jobs.reduce((sum, job) => sum + (job.restarts || 0), 0);
  const fell = run.jobs.filter((job) => job.choice).length;
  const words = [`${run.jobs.length} jobs`, run.usd === null ? "" : dollars(run.usd)];
  if (taken) words.push(`${taken} ${taken > 1 ? "restarts" : "restart"} after a preemption`);
  if (fell) words.push(`${fell} on a fallback`);
  const box = section(parent, `Timeline${label}`, words.filter(Boolean).join(" · "));
  const groups = new Map();
  for (const each of all.sort((a, b) => a.from - b.from)) {
    const name = each.label.replace(/\[\d+\]$/, "");
    groups.set(name, [...(groups.get(name) || []), each]);
  }
  const rows = [...groups].map(([name, items]) => ({ name, items, lanes: bars(items) }));
  const heights = rows.map((row) => Math.max(22, row.lanes * laneHeight(row.lanes) + 8));
  const high = heights.reduce((sum, each) => sum + each, 0) + 30;
  drawTimeline(picture(box, 1150, high, "When each job ran"), rows, heights, all);
}

/* Ticks where a clock has them. */
function clockTicks(seconds) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
  const step = steps.find((each) => seconds / each <= 8) || even(0, seconds)[1];
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, n) => n * step);
}

function since(seconds) {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}

function laneHeight(count) {
  return count > 12 ? 5 : 15;
}

/* A task and its jobs share a bar; only jobs beside each other need lanes of their own. */
function bars(items) {
  const jobs = items.filter((each) => each.kind === "job");
  for (const each of items) each.lane = 0;
  return Math.max(1, lanes(jobs.length ? jobs : items));
}

function drawTimeline(svg, rows, heights, all) {
  const edge = { left: 190, right: 880 };
  const from = Math.min(...all.map((each) => each.from));
  const to = Math.max(...all.map((each) => each.to), from + 1000);
  const place = (time) => edge.left + ((time - from) / (to - from)) * (edge.right - edge.left);
  let top = 4;
  const bottom = heights.reduce((sum, each) => sum + each, 8);
  for (const tick of clockTicks((to - from) / 1000)) {
    const x = place(from + tick * 1000);
    drawn(svg, "line", { class: "grid", x1: x, x2: x, y1: 4, y2: bottom });
    const words = tick ? `+${since(tick)}` : `${moment(new Date(from).toISOString()).slice(11)} UTC`;
    drawn(svg, "text", { x, y: bottom + 14, "text-anchor": "middle" }, words);
  }
  rows.forEach((row, n) => {
    drawRow(svg, row, top, place, edge);
    top += heights[n];
  });
}

function drawRow(svg, row, top, place, edge) {
  const high = laneHeight(row.lanes);
  drawn(svg, "text", { x: 0, y: top + 14 }, short(row.name, 30));
  const jobs = row.items.filter((each) => each.kind === "job");
  const tasks = row.items.filter((each) => each.kind === "task");
  // the bar of one task has its jobs in front of it
  const whole = tasks.length === 1 && jobs.every((job) => job.label === tasks[0].label);
  for (const each of row.items) {
    const task = each.kind === "task";
    if (task && jobs.length && !whole) continue;
    const y = top + each.lane * high + (task ? 5 : 3);
    const width = Math.max(2, place(each.to) - place(each.from));
    const box = { x: place(each.from), y, width, height: Math.max(3, high - (task ? 6 : 3)), rx: 2 };
    const holder = opens(each.link) ? drawn(svg, "a", { href: each.link }) : svg;
    const bar = drawn(holder, "rect", { ...box, class: `bar ${each.kind} ${/^\w+$/.test(each.state) ? each.state : ""}` });
    drawn(bar, "title", {}, told(each));
    const mark = `${each.choice ? `⤷${each.choice}` : ""}${"↻".repeat(Math.min(3, each.restarts || 0))}`;
    const beside = { x: box.x + box.width + 4, y: y + 10 };
    if (mark) drawn(svg, "text", { class: "mark tick", ...beside }, mark);
    else if (!task && each.state === "failed" && row.items.length < 8) {
      drawn(svg, "text", { class: "lost tick", ...beside }, short(each.reason || "failed", 36));
    }
  }
  const usd = jobs.filter((each) => each.usd !== undefined).reduce((sum, each) => sum + each.usd, 0);
  const machines = [...new Set(jobs.map((each) => `${each.machine}, ${each.provisioning}`))];
  const end = drawn(svg, "text", { x: 1150, y: top + 14, "text-anchor": "end" });
  end.textContent = jobs.length ? `${short(machines.join("; "), 42)}  ${usd ? dollars(usd) : ""}` : "";
  drawn(end, "title", {}, machines.join("; "));
}

function told(each) {
  const lines = [`${each.label}: ${each.state}, ${duration((each.to - each.from) / 3.6e6)}`];
  if (each.machine) lines.push(`${each.machine}, ${each.provisioning}, ${each.region}`);
  if (each.choice) lines.push(`fallback ${each.choice}`);
  if (each.restarts) lines.push(`restarted ${each.restarts} times`);
  if (each.usd !== undefined) lines.push(dollars(each.usd));
  if (each.tries > 1) lines.push(`try ${each.tries}`);
  if (each.reason) lines.push(each.reason);
  return lines.join("\n");
}
