# Tries: to return its observation with all that hangs on it. Must come out: plays, action [0,null].


def agent(observation):
    observation["__class__"] = observation["seq"] = observation["fault"] = "exited"
    return [0, observation.get("nothing")]
