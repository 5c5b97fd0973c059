"""A work pool whose flow runs are threads of this process, and whose trials take no time."""

import threading

from tasks.messages import Declared, Discover, Ended, Run, from_dict, to_dict
from tasks.prefect.agent import Agent
from tasks.prefect.mailbox import Mailbox
from tasks.prefect.runs import AgentRun


class Slot:
    """Answers as a warm child would; a test says how."""

    def __init__(self, play):
        self._play = play
        self.stop_reason = None
        self.interrupted = threading.Event()

    def run(self, job, news):
        self.interrupted.clear()
        self.stop_reason = None
        return self._play(self, from_dict(job["request"]), news)

    def interrupt(self):
        self.interrupted.set()

    def leave(self):
        pass


def ended(slot, request, news):
    """What a trial that works does."""
    if isinstance(request, Discover):
        return {"answer": to_dict(Declared({"space": []}, {}, None))}
    news.line(f"running {request.trial_id}")
    return {"answer": to_dict(Ended({"trial_id": request.trial_id, "status": "COMPLETED"}))}


class Threads:
    """The pool: each run is a thread; with `hold` none begins."""

    def __init__(self, project, play=ended, idle=60.0, hold=False):
        self.project = project
        self.play = play
        self.idle = idle
        self.hold = hold
        self.agents = {}
        self.runs = {}
        self.cancelled = []
        self.is_there = threading.Event()
        self.is_there.set()

    def start(self, number):
        agent_id, name = f"run-{number}", f"p agent {number}"
        self.runs[agent_id] = AgentRun(name)
        if not self.hold:
            self.begin(agent_id)
        return agent_id, name

    def begin(self, agent_id):
        slot = Slot(self.play)
        mailbox = Mailbox(self.project.store)
        name = self.runs[agent_id].name
        agent = Agent(
            mailbox, agent_id, name, slot, self.idle, lambda line: None, lambda job: self.refusal
        )
        thread = threading.Thread(target=agent.run, daemon=True)
        self.agents[agent_id] = agent, thread
        thread.start()

    refusal = None

    def known(self):
        self.is_there.wait()
        return dict(self.runs)

    def end(self, agent_id, *, cancelled=False):
        """The server says that the run has ended."""
        name = self.runs[agent_id].name
        self.runs[agent_id] = AgentRun(name, has_ended=True, is_cancelled=cancelled)

    def cancel(self, agent_ids):
        self.cancelled += agent_ids
        return list(agent_ids)

    def describe(self):
        return "Start a worker."

    def join(self):
        for _, thread in self.agents.values():
            thread.join(timeout=20)
            assert not thread.is_alive()


def request(number):
    return Run({"trial_id": f"{number:04d}"})


def run(slots, number, on_report=lambda report: None, emit=lambda line: None):
    with slots.lease() as slot:
        return slot.ask(request(number), on_report, emit)
