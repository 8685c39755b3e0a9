# Needs: tables in memory. Must come out: plays, action 55.
import sqlite3


def agent(observation):
    with sqlite3.connect(":memory:") as database:
        database.execute("create table moves (number integer)")
        database.executemany("insert into moves values (?)", [(n,) for n in range(11)])
        return database.execute("select sum(number) from moves").fetchone()[0]
