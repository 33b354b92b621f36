// What a page tries against one door: `base` is its address, '' for the page's own (after DNS rebinding).
async (base, paths) => {
  const limit = 2000;
  const json = {"Content-Type": "application/json", Authorization: "Bearer x"};
  const body = '{"name": "made-by-a-page", "logical_date": null, "conf": {}}';
  const sent = options => path => fetch(base + path, {credentials: "include", ...options});
  const read = options => async path => {
    const answer = await sent(options)(path);
    if (answer.ok && answer.type !== "opaque") throw new Inside(answer.status);
  };
  class Inside extends Error {}
  const loaded = (tag, name) => path => new Promise((done, refused) => {
    const element = document.createElement(tag);
    element.onload = () => tag === "iframe" ? done() : refused(new Inside(tag));
    element.onerror = done;
    element[name] = base + path;
    document.body.append(element);
  });
  const form = type => path => new Promise(done => {
    const [frame, element, field] = ["iframe", "form", "input"].map(tag => document.createElement(tag));
    [frame.name, frame.onload] = ["f" + Math.random(), done];
    Object.assign(element, {method: "POST", enctype: type, action: base + path, target: frame.name});
    [field.name, field.value] = ['{"name": "made-by-a-page", "x": "', '"}'];
    element.append(field);
    document.body.append(frame, element);
    element.submit();
  });
  const socket = path => new Promise((done, refused) => {
    const address = new URL(base + path, location).href.replace(/^http/, "ws");
    const opened = new WebSocket(address);
    opened.onopen = () => refused(new Inside("web socket"));
    opened.onerror = opened.onclose = done;
  });
  const events = path => new Promise((done, refused) => {
    const opened = new EventSource(base + path, {withCredentials: true});
    opened.onopen = () => refused(new Inside("events"));
    opened.onerror = () => { opened.close(); done(); };
  });
  const ways = {
    "no-cors GET": sent({mode: "no-cors"}),
    "no-cors POST": sent({mode: "no-cors", method: "POST", body, headers: {"Content-Type": "text/plain"}}),
    "cors GET": read({}),
    "cors POST without a preflight": read({method: "POST", body, headers: {"Content-Type": "text/plain"}}),
    "cors POST with a preflight": read({method: "POST", body, headers: json}),
    "cors DELETE with a preflight": read({method: "DELETE", headers: json}),
    beacon: async path => navigator.sendBeacon(base + path, new Blob([body], {type: "text/plain"})),
    image: loaded("img", "src"),
    script: loaded("script", "src"),
    frame: loaded("iframe", "src"),
    "form, text/plain": form("text/plain"),
    "form, multipart": form("multipart/form-data"),
    socket,
    events,
  };
  const ended = (attempt, name) => Promise.race([
    attempt.then(() => "", error => error instanceof Inside ? `${name}: ${error.message}` : ""),
    new Promise(done => setTimeout(done, limit, "")),
  ]);
  const tried = [];
  for (const [name, way] of Object.entries(ways))
    for (const path of paths)
      tried.push(ended((async () => way(path))(), `${name} ${base}${path}`));
  const found = await Promise.all(tried);
  return {tried: found.length, inside: found.filter(Boolean)};
}
