# Needs: asyncio with time limits and threads. Must come out: plays, action 6.
import asyncio


async def later(number):
    await asyncio.sleep(0.001)
    return number


async def search():
    found = await asyncio.gather(later(1), later(2), asyncio.to_thread(int, "3"))
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.01)
    except TimeoutError:
        return sum(found)


def agent(observation):
    return asyncio.run(search())
