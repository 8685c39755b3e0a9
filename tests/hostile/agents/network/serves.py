# Tries: to open a server and to serve for ever. Must come out: move_timeout.
import asyncio


async def serve():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    await server.serve_forever()


def agent(observation):
    asyncio.run(serve())
