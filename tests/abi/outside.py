# Every call out of the library goes through VCI_OUTSIDE or VCI_AWAY
# (src/platform/linux/outside.h), which tell ticks of it.
#
#	outside.py SOURCE_ROOT PARTS.a
#
# What the objects need that none of them defines is compared with the list
# below, and the list with the sources: there, a function that calls one of
# these outside of the two macros is static, and is itself named only within
# them, or in another such function.
#
# SPDX-License-Identifier: BSD-2-Clause
import pathlib
import re
import sys

import elf

PLACE = "platform/linux"
OF_THE_PLACE = PLACE.replace("/", "_")

# Who adds a name has seen to it that it may be interrupted where it is called:
# that the library holds nothing there that another thread could wait for.
CALLED = """
abort clock_gettime close dl_iterate_phdr dladdr dlsym errno fcntl ftruncate getauxval getrlimit lseek madvise
memfd_create mincore mmap mprotect munmap open pipe ppoll
pthread_atfork fstat getpid pthread_attr_destroy pthread_attr_init pthread_attr_setstacksize
pthread_create pthread_join pthread_key_create pthread_once pthread_setname_np pthread_setspecific
pthread_sigmask raise read sched_getaffinity sched_yield secure_getenv send sigaction sigaddset
sigaltstack sigdelset sigemptyset sigfillset sigismember signal strcmp strstr strtoul strtoull
syscall sysconf write CPU_COUNT __cxa_get_globals memset urcu_qsbr_quiescent_state
urcu_qsbr_read_ongoing urcu_qsbr_register_thread urcu_qsbr_synchronize_rcu urcu_qsbr_thread_offline
urcu_qsbr_thread_online urcu_qsbr_unregister_thread compat_futex_async
""".split()

# Whose addresses alone are of interest.
LOOKED_UP = """
malloc free fwrite pthread_mutex_lock __cxa_throw _Unwind_RaiseException __asan_init __tsan_init
urcu_qsbr_gp urcu_qsbr_reader __tls_get_addr
""".split()

# Calls out with `inside` raised for good, and what is called only from within a
# call-out of another file.
EXCEPTIONS = ("vci_abort", "vci_pages_open")

# What a name of the C language becomes.
MADE_BY_MACROS = {"__errno_location": "errno", "__sched_cpucount": "CPU_COUNT"}

# As clang-format leaves them: the body's braces stand in the first column.
FUNCTION = re.compile(r"^(\w[^;{}#]*?\b(\w+)\([^;{}]*?)\n\{\n(.*?)^\}", re.M | re.S)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"|^#.*?$', re.M | re.S)
DOOR = re.compile(r"\bVCI_(?:OUTSIDE|AWAY)\(")


def in_the_source(symbol):
    """The name by which a source calls what the object calls so."""
    symbol = MADE_BY_MACROS.get(symbol, symbol)
    symbol = re.sub(r"^__isoc\d+_|^__(?=\w+_chk$)", "", symbol)
    return re.sub(r"64$|_chk$", "", symbol)


def without_doors(body):
    """The body without what stands in parentheses behind the two macros."""
    match = DOOR.search(body)
    if not match:
        return body
    end, depth = match.end(), 1
    while depth > 0:
        depth += {"(": 1, ")": -1}.get(body[end], 0)
        end += 1
    return body[:match.start()] + without_doors(body[end:])


def functions(text):
    """By name: the head of each function, and its body without what is in the doors."""
    heads, bodies = {}, {}
    for head, name, body in FUNCTION.findall(COMMENT_OR_STRING.sub(" ", text)):
        heads[name] = head
        bodies[name] = bodies.get(name, "") + without_doors(body)
    return heads, bodies


def calls_out(body):
    called = set(re.findall(r"\w+(?=\()|\berrno\b", body))
    return called & set(CALLED + LOOKED_UP)


def unguarded(bodies):
    """The functions that call out, or name one that does, outside of the doors."""
    found = {name for name, body in bodies.items() if calls_out(body)}
    while True:
        more = {name for name, body in bodies.items() if found & set(re.findall(r"\w+", body))}
        if more <= found:
            return found
        found |= more


def of_source(path):
    heads, bodies = functions(path.read_text())
    for name in sorted(unguarded(bodies)):
        if "static" not in heads[name].split() and name not in EXCEPTIONS:
            yield f"{path.name}: {name} calls out, but not through VCI_OUTSIDE or VCI_AWAY"


def of_needs(parts, paths):
    said = {path.stem: set(re.findall(r"\w+", path.read_text())) for path in paths}
    for symbol in elf.needed(parts):
        name, member = in_the_source(symbol.name), symbol.object
        if OF_THE_PLACE not in member or name == "errno":
            continue  # symbols.py says where else; the doors themselves
        if name not in CALLED + LOOKED_UP:
            yield f"{member} calls {symbol.name}, which is not in the list"
        elif not any(name in said[stem] for stem in said if f"_{stem}.c" in member):
            yield f"{member} calls {symbol.name}, which its source does not name"


def of_list(paths):
    text = " ".join(path.read_text() for path in paths)
    for name in CALLED + LOOKED_UP:
        if not re.search(rf"\b{name}\b", text):
            yield f"{name} is in the list, but called nowhere"


source, parts = (pathlib.Path(argument) for argument in sys.argv[1:])
paths = sorted((source / "src" / PLACE).glob("*.c"))
elf.report("outside", [
    *(problem for path in paths for problem in of_source(path)),
    *of_needs(parts, paths),
    *of_list(paths),
])
