"use strict";
/* Elements, and values as text. Everything that trainers wrote goes through textContent. */

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function element(parent, name, attributes = {}, text) {
  return filled(document.createElement(name), parent, attributes, text);
}

function drawn(parent, name, attributes = {}, text) {
  return filled(document.createElementNS(SVG, name), parent, attributes, text);
}

function filled(node, parent, attributes, text) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined && text !== null) node.textContent = text;
  parent.append(node);
  return node;
}

function picture(parent, width, height, label) {
  return drawn(parent, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

function section(parent, title, words = "") {
  const box = element(parent, "section");
  const head = element(box, "header");
  element(head, "h2", {}, title);
  element(head, "p", {}, words);
  return box;
}

/* Only these two open: an address of anything else could be a script. */
function opens(address) {
  return /^(https:\/\/console\.cloud\.google\.com\/|file:\/\/\/)/.test(address || "");
}

function linked(parent, address, text, attributes = {}) {
  if (!opens(address)) return element(parent, "span", attributes, text);
  return element(parent, "a", { href: address, ...attributes }, text);
}

/* Where a file or folder of a run is; nothing where the names in it lead elsewhere. */
function below(run, path) {
  const parts = path.split("/");
  return path && !parts.includes("..") ? `${run.link}/${parts.map(encodeURIComponent).join("/")}` : "";
}

function bytes(size) {
  const unit = ["B", "kB", "MB", "GB"].find((_, n) => size < 1000 ** (n + 1)) || "TB";
  const power = ["B", "kB", "MB", "GB", "TB"].indexOf(unit);
  return `${Number((size / 1000 ** power).toPrecision(3))} ${unit}`;
}

function format(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

function dollars(value) {
  if (value === null || value === undefined) return "–";
  return value >= 0.01 || value === 0 ? `$${value.toFixed(2)}` : `$${value.toPrecision(2)}`;
}

function duration(hours) {
  if (hours === null || hours === undefined) return "–";
  const seconds = hours * 3600;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (hours < 2) return `${Math.round(hours * 60)} min`;
  return `${hours.toFixed(1)} h`;
}

function hoursBetween(began, ended) {
  const span = (Date.parse(ended) - Date.parse(began)) / 3.6e6;
  return Number.isFinite(span) ? span : null;
}

function moment(text) {
  return text ? text.slice(0, 19).replace("T", " ") : "–";
}

function mood(state) {
  if (["success", "succeeded"].includes(state)) return "good";
  return ["failed", "upstream_failed"].includes(state) ? "bad" : "quiet";
}
