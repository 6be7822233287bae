// SPDX-License-Identifier: Apache-2.0
// Loops as kernels from 6.7 to 6.16 tell them: by the checkpoint through which a path came back. A
// state that reached one equal to an ancestor is in a loop that the ancestor enters. Until all
// paths of the entry are explored, marks inside the loop are not complete and its states cover
// others only when nothing that differs could matter.
//
// A loop can turn out to be part of a larger one, so that entries are themselves inside loops: what
// counts is the topmost. Kernel's counterpart: get_loop_entry(), update_loop_entry(). From 6.17 on:
// loops.h.
#pragma once

namespace drydock::verifier {

struct State;

/// The entry of the outermost loop known to hold the state, or null.
State* outermost_loop_entry(State& state);
/// `state` reached `entry`, or is above a state that did.
void note_loop_entry(State& state, State& entry);
/// All paths below the state are explored: its parent is in the loop too.
void hand_loop_to_parent(State& state);
/// Is the state in a loop that is not explored yet?
bool in_open_loop(State& state);

}  // namespace drydock::verifier
