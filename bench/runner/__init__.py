# The parts of bench/run: what is measured, how, and how it is told.
#
# SPDX-License-Identifier: BSD-2-Clause
