// What a query in LogQL asks for, by Grafana's own grammar: a query on standard input, JSON on standard output.

import { readFileSync } from 'node:fs';
import { parser } from '@grafana/lezer-logql';

const query = readFileSync(0, 'utf8');
const text = (node) => query.slice(node.from, node.to);
const found = { error: null, metric: false, matchers: [], filters: [], names: [], groups: [] };

parser.parse(query).iterate({
  enter(node) {
    if (node.type.isError) {
      found.error ??= `parse error at character ${node.from}: ${text(node) || 'the end'}`;
    } else if (node.name === 'MetricExpr') {
      found.metric = true;
    } else if (node.name === 'Identifier') {
      found.names.push(text(node));
      if (node.matchContext(['Labels'])) {
        found.groups.push(text(node));
      } else if (node.matchContext(['Matcher'])) {
        const [operator, value] = [node.node.nextSibling, node.node.nextSibling.nextSibling];
        const into = node.matchContext(['Matchers', 'Matcher']) ? found.matchers : found.filters;
        into.push([text(node), text(operator), text(value)]);
      }
    }
  },
});
process.stdout.write(JSON.stringify(found));
