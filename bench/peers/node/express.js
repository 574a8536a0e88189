// Express 5 and node-postgres' pool, as an ordinary service has them: SQL, zod for what comes in, EJS for the page.

import ejs from "ejs";
import express from "express";
import pg from "pg";
import { z } from "zod";

import { serve } from "./serve.js";

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const pool = new pg.Pool({
  connectionString: process.env.BENCH_DATABASE,
  max: Number(process.env.BENCH_POOL ?? 10),
  idleTimeoutMillis: 0,
});

const NewArticle = z.strictObject({
  title: z.string().max(200),
  summary: z.string().max(500),
  body: z.string().max(20_000),
  words: z.int().min(0),
  published_at: z.iso.datetime({ offset: true }),
  author: z.uuid(),
});

const SELECT = `
  SELECT a.id, a.title, a.summary, a.body, a.words, a.published_at, u.id AS author_id, u.name, u.email
  FROM article a JOIN author u ON u.id = a.author_id`;
const NEWEST = "ORDER BY a.published_at DESC, a.id";

function article({ author_id, name, email, ...rest }) {
  return { ...rest, author: { id: author_id, name, email } };
}

async function tagged(sql, key) {
  const { rows } = await pool.query(sql, [key]);
  const tags = await pool.query(
    `SELECT l.article_id, t.id, t.name FROM article_tags l JOIN tag t ON t.id = l.tag_id
     WHERE l.article_id = any($1)`,
    [rows.map((row) => row.id)],
  );
  const byArticle = grouped(tags.rows);
  return rows.map((row) => ({
    ...article(row),
    tags: (byArticle.get(row.id) ?? []).map(({ id, name }) => ({ id, name })),
  }));
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(row.article_id)) groups.set(row.article_id, []);
    groups.get(row.article_id).push(row);
  }
  return groups;
}

const app = express();
app.engine("html", ejs.renderFile);
app.set("view engine", "html");
app.set("views", import.meta.dirname);
app.use(express.json());

app.get("/articles/:key", async (request, response) => {
  const { rows } = await pool.query(`${SELECT} WHERE a.id = $1`, [request.params.key]);
  if (rows.length) response.json(article(rows[0]));
  else response.status(404).json({ detail: "Not found" });
});

app.get("/authors/:key/articles", async (request, response) => {
  response.json({ items: await tagged(`${SELECT} WHERE a.author_id = $1 ${NEWEST} LIMIT 20`, request.params.key) });
});

app.get("/tags/:key/articles", async (request, response) => {
  const hasTag = "EXISTS (SELECT FROM article_tags l WHERE l.article_id = a.id AND l.tag_id = $1)";
  response.json({ items: await tagged(`${SELECT} WHERE ${hasTag} ${NEWEST} LIMIT 20`, request.params.key) });
});

app.get("/articles", async (request, response) => {
  const { rows } = await pool.query(
    `SELECT a.id, a.title, a.summary, a.words, a.published_at FROM article a
     WHERE a.published_at < $1 ${NEWEST} LIMIT 100`,
    [request.query.before],
  );
  response.json({ items: rows });
});

app.post("/articles", async (request, response) => {
  const { data, error } = NewArticle.safeParse(request.body);
  if (error) {
    response.status(422).json({ errors: error.issues });
    return;
  }
  const { rows } = await pool.query(
    `INSERT INTO article (title, summary, body, words, published_at, author_id)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, title, summary, body, words, published_at`,
    [data.title, data.summary, data.body, data.words, data.published_at, data.author],
  );
  response.status(201).json({ ...rows[0], author: { id: data.author } });
});

app.get("/page", async (request, response) => {
  const { rows } = await pool.query(
    `SELECT a.title, a.summary, u.name FROM article a JOIN author u ON u.id = a.author_id
     WHERE a.published_at < $1 ${NEWEST} LIMIT 12`,
    [request.query.before],
  );
  response.render("page.html", { articles: rows });
});

app.get("/hello", (request, response) => {
  response.json({ hello: "world" });
});

serve((port) => app.listen(port, "127.0.0.1"));
