// Fastify as far as it goes: JSON is made by PostgreSQL and passed on as text, statements are prepared by name, what is
// still made here has a schema, and the page is a template literal.

import Fastify from "fastify";
import pg from "pg";

import { serve } from "./serve.js";

const pool = new pg.Pool({
  connectionString: process.env.BENCH_DATABASE,
  max: Number(process.env.BENCH_POOL ?? 10),
  idleTimeoutMillis: 0,
});

const INSTANT = `to_char(a.published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const SCALARS = `'id', a.id, 'title', a.title, 'summary', a.summary, 'words', a.words, 'published_at', ${INSTANT}`;
const AUTHOR = "'author', json_build_object('id', u.id, 'name', u.name, 'email', u.email)";
const TAGS = `'tags', (SELECT coalesce(json_agg(json_build_object('id', t.id, 'name', t.name)), '[]'::json)
  FROM article_tags l JOIN tag t ON t.id = l.tag_id WHERE l.article_id = a.id)`;
const NEWEST = "ORDER BY a.published_at DESC, a.id";

const list = (where) => `
  SELECT json_build_object('items', coalesce(json_agg(
    json_build_object(${SCALARS}, 'body', a.body, ${AUTHOR}, ${TAGS}) ${NEWEST}), '[]'::json))::text AS json
  FROM (SELECT * FROM article a WHERE ${where} ${NEWEST} LIMIT 20) a JOIN author u ON u.id = a.author_id`;

const ONE = `SELECT json_build_object(${SCALARS}, 'body', a.body, ${AUTHOR})::text AS json
  FROM article a JOIN author u ON u.id = a.author_id WHERE a.id = $1`;
const BY_AUTHOR = list("a.author_id = $1");
const BY_TAG = list("EXISTS (SELECT FROM article_tags l WHERE l.article_id = a.id AND l.tag_id = $1)");
const FLAT = `SELECT json_build_object('items', coalesce(json_agg(json_build_object(${SCALARS}) ${NEWEST}), '[]'::json))::text
  AS json FROM (SELECT id, title, summary, words, published_at FROM article a
    WHERE published_at < $1 ${NEWEST} LIMIT 100) a`;
const CREATE = `INSERT INTO article AS a (title, summary, body, words, published_at, author_id)
  VALUES ($1, $2, $3, $4, $5, $6)
  RETURNING json_build_object(${SCALARS}, 'body', a.body, 'author', json_build_object('id', a.author_id))::text AS json`;
const PAGE = `SELECT a.title, a.summary, u.name FROM article a JOIN author u ON u.id = a.author_id
  WHERE a.published_at < $1 ${NEWEST} LIMIT 12`;

const JSON_TYPE = "application/json; charset=utf-8";
const app = Fastify({ logger: false });

const byKey = { schema: { params: { type: "object", properties: { key: { type: "string", format: "uuid" } } } } };
const byInstant = {
  schema: {
    querystring: {
      type: "object",
      required: ["before"],
      properties: { before: { type: "string", format: "date-time" } },
    },
  },
};

const answering = (name, text, parameter) => async (request, reply) => {
  const { rows } = await pool.query({ name, text, values: [parameter(request)] });
  reply.type(JSON_TYPE);
  if (rows.length) return rows[0].json;
  reply.code(404);
  return '{"detail":"Not found"}';
};
const key = (request) => request.params.key;
const before = (request) => request.query.before;

app.get("/articles/:key", byKey, answering("one", ONE, key));
app.get("/authors/:key/articles", byKey, answering("by_author", BY_AUTHOR, key));
app.get("/tags/:key/articles", byKey, answering("by_tag", BY_TAG, key));
app.get("/articles", byInstant, answering("flat", FLAT, before));

app.post(
  "/articles",
  {
    schema: {
      body: {
        type: "object",
        additionalProperties: false,
        required: ["title", "summary", "body", "words", "published_at", "author"],
        properties: {
          title: { type: "string", maxLength: 200 },
          summary: { type: "string", maxLength: 500 },
          body: { type: "string", maxLength: 20_000 },
          words: { type: "integer", minimum: 0 },
          published_at: { type: "string", format: "date-time" },
          author: { type: "string", format: "uuid" },
        },
      },
    },
  },
  async (request, reply) => {
    const { title, summary, body, words, published_at, author } = request.body;
    const values = [title, summary, body, words, published_at, author];
    const { rows } = await pool.query({ name: "create", text: CREATE, values });
    reply.code(201).type(JSON_TYPE);
    return rows[0].json;
  },
);

const UNSAFE = /[&<>"']/g;
const NAMES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(UNSAFE, (character) => NAMES[character]);

app.get("/page", byInstant, async (request, reply) => {
  const { rows } = await pool.query({ name: "page", text: PAGE, values: [request.query.before] });
  const articles = rows.map(
    ({ title, summary, name }) => `<article>
<h2>${escape(title)}</h2>
<p>by ${escape(name)}</p>
<p>${escape(summary)}</p>
</article>
`,
  );
  reply.type("text/html; charset=utf-8");
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Articles</title></head>
<body>
<h1>Articles</h1>
${articles.join("")}</body>
</html>
`;
});

app.get(
  "/hello",
  { schema: { response: { 200: { type: "object", properties: { hello: { type: "string" } } } } } },
  async () => ({ hello: "world" }),
);

serve((port) => app.listen({ port, host: "127.0.0.1" }));
