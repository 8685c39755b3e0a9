# Needs: tables in a file, as an opening book is kept. Must come out: plays, action 55.
import sqlite3


def agent(observation):
    with sqlite3.connect("/tmp/moves.db") as database:
        database.execute("create table if not exists moves (number integer)")
        database.execute("delete from moves")
        database.executemany("insert into moves values (?)", [(n,) for n in range(11)])
    with sqlite3.connect("/tmp/moves.db") as database:
        return database.execute("select sum(number) from moves").fetchone()[0]
