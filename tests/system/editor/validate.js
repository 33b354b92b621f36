// Validates YAML files against a JSON Schema with the engine of vscode-yaml; prints one line of JSON per file:
// its findings, and the hover text of its key `tasks`.
// Usage: NODE_PATH=.../node_modules node validate.js SCHEMA FILE...
const fs = require("fs");
const { getLanguageService } = require("yaml-language-server/out/server/src/languageservice/yamlLanguageService");
const { SettingsState } = require("yaml-language-server/out/server/src/yamlSettings");
const { TextDocument } = require("vscode-languageserver-textdocument");

const [schema, ...files] = process.argv.slice(2);
const text = fs.readFileSync(schema, "utf8");
const service = getLanguageService({
  schemaRequestService: async () => text,
  workspaceContext: { resolveRelativePath: (path) => path },
  yamlSettings: new SettingsState(),
});
service.configure({
  validate: true,
  hover: true,
  isKubernetes: false,
  yamlVersion: "1.2",
  customTags: [],
  schemas: [{ uri: "file:///schema.json", fileMatch: ["*"], schema: JSON.parse(text) }],
});

(async () => {
  for (const file of files) {
    const content = fs.readFileSync(file, "utf8").replace(/^# yaml-language-server:.*\n/, "\n");
    const document = TextDocument.create(`file:///${file}`, "yaml", 0, content);
    const found = await service.doValidation(document, false);
    const line = content.split("\n").findIndex((each) => each.startsWith("tasks:"));
    const hover = await service.doHover(document, { line, character: 2 });
    const findings = found.map((each) => `${each.range.start.line + 1}: ${each.message}`);
    console.log(JSON.stringify({ file, findings, hover: JSON.stringify(hover && hover.contents) }));
  }
})();
