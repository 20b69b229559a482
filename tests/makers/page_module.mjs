// Runs the page's module on what a JSON file says, and prints what it gives.
import { readFileSync } from "node:fs";

const [, , folder, file] = process.argv;
const { load, run, secant, trace } = await import(`file://${folder}/run.mjs`);
const answers = JSON.parse(readFileSync(file, "utf8")).map((asked) => {
  const net = load(asked.network);
  return asked.windows.map((window) => {
    const explained = secant(net, window, asked.baselines, asked.holds || undefined);
    const layers = Object.entries(trace(net, explained.ran)).map(([name, layer]) => [
      name,
      Object.fromEntries(Object.entries(layer).map(([key, one]) => [key, one.length === undefined || typeof one === "string" ? one : [...one]])),
    ]);
    return {
      forecast: run(net, window, asked.holds || undefined).forecast,
      baseline: explained.baseline,
      contributions: [...explained.contributions],
      trace: Object.fromEntries(layers),
    };
  });
});
console.log(JSON.stringify(answers));
