package blackbox

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/sqlitearchive"
)

// The tests ask what is stored in SQL. Of a MongoDB they ask a copy: its
// documents as rows of the tables that SQLite has, under the contract's other
// spelling.

// mirrored are the collections that have a table.
var mirrored = []string{"sessions", "session_events", "visitors", "orders", "refunds", "bot_views", "uncounted_visits"}

// mirror copies a database of a MongoDB into a new one of SQLite.
func mirror(t testing.TB, uri, database string) *sql.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetMaxPoolSize(1))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(ctx)
	schema := filepath.Join(t.TempDir(), "schema.db")
	empty, err := sqlitearchive.Open(schema, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	empty.Close()
	db, err := sql.Open("sqlite", schema)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	for _, name := range mirrored {
		if err := mirrorTable(ctx, client.Database(database).Collection(name), db); err != nil {
			t.Fatalf("collection %s: %v", name, err)
		}
	}
	return db
}

func mirrorTable(ctx context.Context, from *mongo.Collection, db *sql.DB) error {
	table := from.Name()
	var list string
	if err := db.QueryRowContext(ctx, `SELECT group_concat(name) FROM pragma_table_info(?)`, table).Scan(&list); err != nil {
		return err
	}
	columns := map[string]bool{}
	for column := range strings.SplitSeq(list, ",") {
		columns[column] = true
	}
	// The same columns without their constraints: a wrong document is to be seen.
	var kind string
	if err := db.QueryRowContext(ctx, `SELECT type FROM sqlite_schema WHERE name = ?`, table).Scan(&kind); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `DROP `+kind+` `+table); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE `+table+` (`+list+`)`); err != nil {
		return err
	}
	cursor, err := from.Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	var docs []bson.M
	if err := cursor.All(ctx, &docs); err != nil {
		return err
	}
	sort.SliceStable(docs, func(i, j int) bool {
		return fmt.Sprint(docs[i]["createdAt"], docs[i]["_id"]) < fmt.Sprint(docs[j]["createdAt"], docs[j]["_id"])
	})
	for i, doc := range docs {
		row := map[string]any{"id": i + 1}
		flatten(doc, row)
		var names, marks []string
		var values []any
		for name, value := range row {
			if columns[name] {
				names, marks, values = append(names, name), append(marks, "?"), append(values, value)
			}
		}
		if _, err := db.ExecContext(ctx, `INSERT INTO `+table+` (`+strings.Join(names, ",")+`) VALUES (`+strings.Join(marks, ",")+`)`, values...); err != nil {
			return err
		}
	}
	return nil
}

// flatten turns a document's members into columns.
func flatten(doc bson.M, row map[string]any) {
	for name, value := range doc {
		switch v := value.(type) {
		case bson.DateTime:
			row[snake(name)] = int64(v)
		case time.Time:
			row[snake(name)] = v.UnixMilli()
		case bson.Binary:
			row[snake(name)] = v.Data
		case bson.D:
			if name == "total" {
				m := bson.M{}
				for _, e := range v {
					m[e.Key] = e.Value
				}
				flatten(m, row)
				continue
			}
			text, err := bson.MarshalExtJSON(v, false, false)
			if err == nil {
				row[snake(name)] = string(text)
			}
		case bson.ObjectID, bson.A, bson.M:
		default:
			row[snake(name)] = v
		}
	}
}

// snake is a name of the contract's JSON spelling in that of SQLite.
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
