import asyncio

from strategy.venues.ending import end_tasks


async def test_a_task_that_swallows_its_cancellation_is_asked_again_until_it_ends() -> None:
    asked = 0

    async def deaf() -> None:
        nonlocal asked
        while asked < 2:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                asked += 1
        await asyncio.sleep(600)

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(600))]
    await asyncio.sleep(0)
    await end_tasks(tasks, again_s=0.01)
    assert asked == 2
    assert all(task.cancelled() for task in tasks)
    await end_tasks(tasks)
