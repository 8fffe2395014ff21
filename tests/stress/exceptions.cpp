/*
 * C++ in threads that are preempted: exceptions in flight, statics whose
 * initialisers take longer than a quantum, locks and containers of the
 * standard library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "exceptions.h"
#include "compute.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace
{

struct failure : std::runtime_error {
	using std::runtime_error::runtime_error;
};

std::string name_of(unsigned number)
{
	return "the failure of worker " + std::to_string(number);
}

/* Throws and catches while another exception unwinds the stack. */
struct throws_when_destroyed {
	const std::string &name;
	uint64_t steps;
	bool *good;

	~throws_when_destroyed()
	{
		*good = *good && std::uncaught_exceptions() == 1;
		try {
			compute(1, steps);
			throw failure(name + ", inner");
		} catch (const failure &caught) {
			compute(1, steps);
			*good = *good && caught.what() == name + ", inner";
		}
		*good = *good && std::uncaught_exceptions() == 1;
	}
};

std::atomic<unsigned> initialised[EXCEPTIONS_STATICS];

template <unsigned which> uint64_t value_of_static()
{
	static const uint64_t value = [] {
		initialised[which]++;
		return compute(which + 1, 2000000);
	}();

	return value;
}

template <unsigned... which>
constexpr std::array<uint64_t (*)(), sizeof...(which)>
table_of(std::integer_sequence<unsigned, which...>)
{
	return {value_of_static<which>...};
}

constexpr auto statics = table_of(std::make_integer_sequence<unsigned, EXCEPTIONS_STATICS>());

std::recursive_mutex mutex;
unsigned owner; /* guarded by mutex */

bool lock_to(unsigned depth, unsigned number, uint64_t steps)
{
	std::lock_guard<std::recursive_mutex> guard(mutex);

	if (depth > 0) {
		return lock_to(depth - 1, number, steps);
	}
	if (owner != 0) {
		return false;
	}
	owner = number + 1;
	compute(1, steps);
	return std::exchange(owner, 0u) == number + 1;
}

} // namespace

/* `throw;` throws this thread's own again. */
bool exceptions_rethrow(unsigned number, uint64_t steps)
{
	try {
		try {
			compute(1, steps);
			throw failure(name_of(number));
		} catch (const failure &) {
			compute(1, steps);
			throw;
		}
	} catch (const failure &caught) {
		compute(1, steps);
		return caught.what() == name_of(number) && std::uncaught_exceptions() == 0;
	}
	return false;
}

bool exceptions_nest(unsigned number, uint64_t steps)
{
	std::string name = name_of(number);
	bool good = true;

	try {
		throws_when_destroyed outer = {name, steps, &good};

		throw failure(name);
	} catch (const failure &caught) {
		good = good && caught.what() == name;
	}
	return good && std::uncaught_exceptions() == 0;
}

/* A current exception that is kept, and thrown after its catch block. */
bool exceptions_keep(unsigned number, uint64_t steps)
{
	std::exception_ptr kept;

	try {
		throw failure(name_of(number));
	} catch (...) {
		compute(1, steps);
		kept = std::current_exception();
	}
	if (std::current_exception() != nullptr) {
		return false;
	}
	try {
		compute(1, steps);
		std::rethrow_exception(kept);
	} catch (const failure &caught) {
		compute(1, steps);
		return caught.what() == name_of(number) && std::current_exception() == kept;
	}
	return false;
}

bool exceptions_lock(unsigned number, uint64_t steps)
{
	bool good = lock_to(3, number, steps);

	compute(1, steps);
	return good;
}

bool exceptions_contain(unsigned number, uint64_t steps)
{
	std::vector<std::string> words;
	std::map<std::string, unsigned> places;

	for (unsigned i = 0; i < 50; i++) {
		words.push_back(std::to_string(i * 7919u % 50u) + " of " + name_of(number));
		compute(1, steps / 50);
	}
	std::sort(words.begin(), words.end());
	for (unsigned i = 0; i < 50; i++) {
		places[words[i]] = i;
	}
	return places.size() == 50 && std::all_of(words.begin(), words.end(), [&](auto &word) {
		       return words[places.at(word)] == word;
	       });
}

uint64_t exceptions_static(unsigned which)
{
	return statics[which]();
}

unsigned exceptions_static_initialised(unsigned which)
{
	return initialised[which];
}
