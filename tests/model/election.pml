/* SPDX-License-Identifier: ISC */

/*
 * Model of the election: two nodes of one pair that sign, no preemption,
 * no service outside the terms.  Explored exhaustively by spin (see run),
 * replayed against the objects of the core (see replay.c).  Each rule stands
 * here once and is taken out by -DNO_NAME; README links it to its function.
 *
 * Time: a tick is a quarter of an interval and one claim spacing.  Whatever
 * is under way arrives, and every timer that is due fires, before the next
 * tick: a round trip fits into the spacing.  A node that is frozen has all
 * its processes stopped; its kernel goes on.  Faults are given as budgets.
 */
#ifndef FREEZES
#define FREEZES		1
#endif
#ifndef CRASHES
#define CRASHES		1	/* all processes killed, the address stays */
#endif
#ifndef LOSSES
#define LOSSES		0	/* adverts that left and do not arrive */
#endif
#ifndef FAILS
#define FAILS		0	/* adverts that do not leave, and it is known */
#endif
#ifndef HANDOVERS
#define HANDOVERS	0
#endif
#ifndef TERMS
#define TERMS		3	/* takeovers looked at, at most */
#endif
#ifndef SKEW
#define SKEW		0	/* of node 1 */
#endif

#define SPACING		1
#define QUEUE		(3 * TERMS + 3)	/* the same again is not queued */
#define LEASE		8	/* 2 s at 1 s; lapses 1 to 3 ticks late */
#define LAPSE_FIRST	(LEASE + 1)
#define LAPSE_LAST	(LEASE + 3)
#define PACE(i)		(4 + SKEW * (i))
#define DOWN(i)		(12 + SKEW * (i))
#define CLAIM_ADVERTS	4
#define CLAIM_EARNEST	2
#define CAP		13	/* no age matters beyond */
#define OTHER		(1 - me)
#define PEER		node[1 - me]
#define MY		node[me]

/* A rule that is part of a condition. */
#ifdef NO_CLAIM
#define CLAIM_FIRST	(CLAIM_ADVERTS - 1)
#else
#define CLAIM_FIRST	0
#endif
#ifdef NO_SOFT
#define IS_SOFT		false
#else
#define IS_SOFT		true
#endif

mtype = { OFF, STANDBY, CLAIM, ACTIVE, RELEASING }
mtype = { none, soft, advert, resign, resign_1, resign_late, go_now,
	    go_now_1, go_now_late }
mtype = { nothing, hold, renew, release, yes, no, released }
mtype = { because, slept, yields, handover, failed }

typedef Node {
	mtype state;
	bit up;			/* not frozen */
	bit settled;		/* has heard, or waited, since it started */
	bit hold_off;		/* after a handover: one more round */
	byte wait, late;	/* ticks until, and past, its timer */
	byte wary;		/* ticks: not even a go-now before */
	byte term, own, heard;	/* highest seen; own epoch; of the active */
	byte step;		/* adverts of the claim that left */
	bit open;		/* its own epoch is announced */
	mtype sending;	/* the outcome is awaited */
	bit left;		/* that outcome */
	byte asked;		/* ticks since */
	byte age;		/* of the advert that was last confirmed */
	byte acked;		/* of the one the actuator confirmed */
	bit failing;		/* the last advert did not leave */
	bit extra;		/* sent one out of turn in this tick */
	bit want_hold, held, kept, service, resigns;
	mtype why;
	/* Actuator, kernel, keeper. */
	mtype order, answer;
	byte order_age;
	bit holds;		/* the actuator's */
	bit present;		/* the address, in the kernel */
	byte lease;		/* ticks since it was armed */
	byte keep, disk;	/* term to be written; term on the disk */
	byte written;		/* ... and of this the elector will hear */
	bit slow;
	bit handing;		/* an operator asks for a handover */
	/* What only the properties look at. */
	byte mute;		/* has to listen that long before it sends */
	byte alone;		/* ticks healthy, hearing nobody */
	byte told;		/* highest term heard */
	byte served;		/* bits: terms in which a service started */
	bit unheard;		/* its last advert was lost on the way ... */
	bit rests;		/* ... and its lease rests on that one, */
	bit rested;		/* or did so until this very tick */
	bit hindered;		/* its claim could not be heard or answered */
	bit missed;		/* one of it in earnest was lost */
}

Node node[2];
chan inbox[2] = [QUEUE] of { mtype, byte };
byte freezes = FREEZES, crashes = CRASHES, losses = LOSSES, fails = FAILS;
byte handovers = HANDOVERS;
byte idle;			/* ticks without an active, all being well */
bit stop;			/* more takeovers are not looked at */

/* The properties; spin prints the name of the one that is violated. */
bit two_holders, older_epoch_wins, epoch_served_twice, term_does_not_grow;
bit sends_before_it_listened, alone_and_not_active, nobody_becomes_active;
bit needless_move, lease_too_long, says_gone_while_there, late_go_now_obeyed;
bit holds_before_it_has_read;

#define VIOLATED(p)	p = true; assert(!p)
#define NEWER(t, i, u, j) ((t) > (u) || ((t) == (u) && (i) < (j)))
#define CAN_ANSWER(i)	(node[i].up && node[i].state == ACTIVE)

/* ---- Small steps ------------------------------------------------------ */

/* A freeze may strike between any two. */
inline may_freeze(me)
{
	if
	:: freezes > 0 ->
		freezes--;
		MY.up = false;
		MY.alone = 0;
		if
		:: PEER.state == CLAIM -> PEER.hindered = true
		:: else
		fi;
		printf("%d freezes\n", me)
	:: true
	fi
}

/* Leaves the node, or not; arrives, or not; the outcome is told later. */
inline send_out(me, what, with)
{
	printf("%d sends %e %d\n", me, what, with);
	if
	:: MY.mute > 0 && (what == soft || what == advert) ->
		VIOLATED(sends_before_it_listened)
	:: MY.present && (what == resign || what == go_now) ->
		VIOLATED(says_gone_while_there)
	:: else
	fi;
	MY.sending = what;
	MY.asked = 0;
	MY.left = true;
	MY.unheard = false;
	if
	:: fails > 0 ->
		fails--;
		MY.left = false;
		MY.alone = 0;
		idle = 0;
		if
		:: PEER.state == CLAIM -> PEER.hindered = true
		:: else
		fi
	:: losses > 0 && PEER.state != OFF ->
		losses--;
		idle = 0;
		MY.unheard = true;
		MY.hindered = MY.hindered || MY.state == CLAIM;
		MY.missed = MY.missed || (MY.state == CLAIM && MY.open &&
		    PEER.up);
		PEER.hindered = PEER.hindered || PEER.state == CLAIM
	:: true ->
		if
		:: PEER.state == OFF
		/* The same again, unread, says nothing more. */
		:: PEER.state != OFF && inbox[OTHER]??[eval(what), eval(with)]
		:: else -> inbox[OTHER]!what, with
		fi
	fi;
	may_freeze(me)
}

/* Rule learn: the highest term seen, whoever is in it. */
inline learn(me, t)
{
	if
#ifndef NO_LEARN
	:: t > MY.term ->
		MY.term = t;
		MY.keep = t;
		MY.slow = false
#endif
	:: else
	fi
}

/* Rule silent: a full down interval, whatever came before. */
inline listen(me)
{
	MY.state = STANDBY;
	MY.wait = DOWN(me);
	MY.late = 0;
	MY.hold_off = false
}

inline let_go(me, reason, say)
{
	MY.state = RELEASING;
	MY.why = reason;
	MY.resigns = say;
#ifdef NO_GONE
	ask = (say -> go_now : none);
	MY.resigns = false;
#endif
	MY.order = release;
	MY.order_age = 0;
	MY.service = false;
	MY.want_hold = false;
	MY.wait = (MY.age < LAPSE_LAST -> LAPSE_LAST - MY.age : 1);
	MY.late = 0
}

/* Rule term: highest term seen + 1; adverts do not wait for the disk. */
inline open_epoch(me)
{
	MY.open = true;
	MY.missed = false;
#ifndef NO_TERM
	MY.term++;
#endif
	MY.own = MY.term;
	MY.keep = MY.own;
	MY.slow = false;
	MY.kept = false;
	if
	:: MY.own <= MY.told -> VIOLATED(term_does_not_grow)
	:: else
	fi
}

inline claim_send(me)
{
	if
	:: !MY.open && (MY.step >= CLAIM_EARNEST || !IS_SOFT) &&
	    MY.term == TERMS -> stop = true
	:: else ->
		if
		:: !MY.open && (MY.step >= CLAIM_EARNEST || !IS_SOFT) ->
			open_epoch(me)
		:: else
		fi;
		MY.wait = SPACING;
		MY.late = 0;
		ask = (MY.open -> advert : soft)
	fi
}

/* Rule claim: adverts first, then the address. */
inline begin_claim(me, first)
{
	MY.state = CLAIM;
	MY.settled = true;
	MY.open = false;
	MY.step = first;
	MY.hindered = !CAN_ANSWER(OTHER);
	goes_on = true
}

inline send_advert(me)
{
	MY.wait = PACE(me);
	MY.late = 0;
	ask = advert
}

/*
 * Rule hold-last: an advert that brings a hold is left to the timer, which
 * fires when all that came has been read.
 */
inline send_extra(me)
{
	if
#ifndef NO_HOLD_LAST
	:: !MY.extra && MY.want_hold ->
		MY.wait = 0;
		MY.late = 0
	:: !MY.extra && !MY.want_hold ->
#else
	:: !MY.extra ->
#endif
		MY.extra = true;
		send_advert(me)
	:: else
	fi
}

/* Rule thaw: who slept listens for a full down interval first. */
inline wake(me)
{
	if
#ifndef NO_THAW_STANDBY
	:: (MY.state == STANDBY || MY.state == CLAIM) && MY.wait == 0 &&
	    MY.late > 1 ->
		listen(me);
		MY.wary = DOWN(me)
#endif
#ifndef NO_THAW_ACTIVE
	:: MY.state == ACTIVE && MY.age > LEASE ->
		let_go(me, (MY.failing && MY.late <= 1 -> failed : slept),
		    false)
#endif
	:: MY.state == RELEASING && MY.late > 0 -> MY.resigns = false
	:: else
	fi
}

/* ---- What is heard ---------------------------------------------------- */

inline heard_active(me, t)
{
	MY.heard = t
}

/* The active resigned. */
inline resigned(me, what, t)
{
	if
	:: t < MY.heard || !(MY.state == STANDBY || MY.state == CLAIM) ||
	    (MY.state == STANDBY && !MY.settled)
	:: else ->
		if
#ifndef NO_LATE_GO
		:: what == go_now_late || what == resign_late || MY.wary > 0 ->
			if
			:: MY.state == STANDBY -> listen(me)
			:: else
			fi
#endif
		:: else ->
			if
			:: what == go_now_late || what == resign_late ->
				VIOLATED(late_go_now_obeyed)
			:: else
			fi;
			if
			:: (what == go_now || what == go_now_1 ||
			    what == go_now_late) && t >= MY.term &&
			    MY.heard > 0 ->
				if
				:: MY.state == STANDBY ->
					begin_claim(me, CLAIM_ADVERTS - 1)
				:: MY.state == CLAIM && !MY.open ->
					MY.step = CLAIM_ADVERTS - 1;
					goes_on = true
				:: else
				fi
			:: else ->
				if
				:: MY.state == STANDBY ->
					begin_claim(me, CLAIM_FIRST)
				:: else
				fi
			fi
		fi
	fi
}

inline standby_hears(me, what, t)
{
	if
	:: what == advert ->
		heard_active(me, t);
		/* A living active speaks, half an interval after the thaw. */
		if
		:: MY.wary > 0 && t >= MY.term && DOWN(me) - MY.wary >= 2 ->
			MY.wary = 0;
			MY.mute = 0
		:: !MY.settled && MY.wary == 0 -> MY.mute = 0
		:: else
		fi;
		MY.settled = true;
		listen(me)
	:: else			/* A soft claim resets nothing. */
	fi
}

/* Rule ends: a living active that is heard ends the claim. */
inline claim_hears(me, what, t)
{
	if
	:: what == soft ->
		if
		:: !MY.open && OTHER < me -> listen(me)
		:: else
		fi
#ifndef NO_ENDS
	:: what == advert && (!MY.open || NEWER(t, OTHER, MY.own, me)) ->
		heard_active(me, t);
		listen(me)
#endif
	:: else
	fi
}

/* Rule epoch: of two active nodes the newer one stays. */
inline active_hears(me, what, t)
{
	if
#ifndef NO_ANSWER
	:: what == soft -> send_extra(me)
#endif
#ifdef NO_EPOCH
	:: what == advert && OTHER < me ->
		if
		:: !NEWER(t, OTHER, MY.own, me) -> VIOLATED(older_epoch_wins)
		:: else
		fi;
#else
	:: what == advert && NEWER(t, OTHER, MY.own, me) ->
#endif
		if
		:: !PEER.hindered -> VIOLATED(needless_move)
		:: else
		fi;
		heard_active(me, t);
		let_go(me, yields, true)
	:: what != soft && what != advert -> send_extra(me)
	:: else ->
		if
		:: what == advert && NEWER(t, OTHER, MY.own, me) ->
			VIOLATED(older_epoch_wins)
		:: what == advert -> send_extra(me)
		:: else
		fi
	fi
}

inline hears(me, what, t)
{
	printf("%d hears %e %d\n", me, what, t);
	MY.alone = 0;
	if
	:: what == advert && t > MY.told -> MY.told = t
	:: else
	fi;
	wake(me);
	learn(me, t);
	if
	:: what != soft && what != advert && MY.state != ACTIVE ->
		resigned(me, what, t)
	:: else ->
		if
		:: MY.state == STANDBY -> standby_hears(me, what, t)
		:: MY.state == CLAIM -> claim_hears(me, what, t)
		:: MY.state == ACTIVE -> active_hears(me, what, t)
		:: MY.state == RELEASING && what == advert ->
			heard_active(me, t)
		:: else
		fi
	fi
}

/* ---- Timers and answers ----------------------------------------------- */

inline finish_release(me)
{
	listen(me);
	if
	:: MY.why == slept -> MY.wary = DOWN(me)
	:: MY.why == handover -> MY.hold_off = true
	:: else
	fi;
	if
	:: MY.resigns -> ask = (MY.why == yields -> resign : go_now)
	:: else
	fi;
	MY.resigns = false;
	MY.why = because
}

/* Rule durable: the service waits for its term to be on the disk. */
inline start_service(me)
{
	if
#ifdef NO_DURABLE
	:: MY.state == ACTIVE && MY.held && !MY.service ->
#else
	:: MY.state == ACTIVE && MY.held && MY.kept && !MY.service ->
#endif
		MY.service = true;
		printf("%d serves\n", me);
		if
		:: (MY.served >> MY.own) & 1 -> VIOLATED(epoch_served_twice)
		:: else
		fi;
		MY.served = MY.served | (1 << MY.own)
	:: else
	fi
}

inline confirm(me)
{
	MY.age = MY.asked;
	MY.order = (MY.want_hold -> hold : renew);
	MY.order_age = MY.asked;
	MY.want_hold = false
}

inline become_active(me)
{
	MY.state = ACTIVE;
	MY.wait = PACE(me);
	MY.held = false;
	MY.failing = false;
	MY.extra = false;
	MY.acked = MY.asked;
	MY.want_hold = true;
	confirm(me)
}

/* Rule left: only an advert that really left counts. */
inline claim_sent(me)
{
	if
#ifndef NO_LEFT
	:: !MY.left -> listen(me)
#endif
	:: else ->
		MY.failing = false;
		MY.wait = SPACING;
		MY.late = 0;
		if
		:: MY.step == CLAIM_ADVERTS - 1 && MY.asked > 0
		:: else ->
			MY.step++;
			if
			:: MY.step == CLAIM_ADVERTS -> become_active(me)
			:: else
			fi
		fi
	fi
}

inline active_sent(me)
{
	if
#ifndef NO_LEFT
	:: !MY.left ->
		MY.failing = true;
		MY.wait = (MY.wait > SPACING -> SPACING : MY.wait)
#endif
	:: else ->
		MY.failing = false;
		confirm(me)
	fi
}

inline sent(me)
{
	printf("%d sent %d\n", me, MY.left);
	wake(me);
	if
	:: MY.state == CLAIM -> claim_sent(me)
	:: MY.state == ACTIVE -> active_sent(me)
	:: else
	fi;
	MY.sending = none;
	MY.asked = 0;
	may_freeze(me)
}

/* The address is not in place: an advert and a hold. */
inline heal(me)
{
	MY.want_hold = true;
	if
#ifdef NO_HOLD_LAST
	:: !MY.extra -> send_extra(me)
#else
	:: !MY.extra ->
		MY.wait = 0;
		MY.late = 0
#endif
	:: MY.extra && MY.wait > SPACING -> MY.wait = SPACING
	:: else
	fi
}

inline answered(me)
{
	printf("%d told %e\n", me, MY.answer);
	wake(me);
	if
	:: MY.answer == released && MY.state == RELEASING ->
		finish_release(me)
	:: MY.answer == yes && MY.state == ACTIVE ->
		MY.held = true;
		MY.acked = (MY.age < MY.acked -> MY.age : MY.acked);
		start_service(me)
	:: MY.answer == no && MY.state == ACTIVE -> heal(me)
	:: else
	fi;
	MY.answer = nothing
}

inline term_kept(me)
{
	printf("%d kept %d\n", me, MY.written);
	wake(me);
	MY.kept = MY.kept || MY.written >= MY.own;
	MY.written = 0;
	start_service(me)
}

inline standby_timer(me)
{
	if
	:: MY.hold_off ->
		MY.hold_off = false;
		MY.wait = DOWN(me);
		MY.late = 0;
		MY.alone = 0
	:: else -> begin_claim(me, CLAIM_FIRST)
	fi
}

inline active_timer(me)
{
	if
	:: MY.acked >= LAPSE_LAST -> let_go(me, failed, true)
	:: MY.acked < LAPSE_LAST && MY.wait == 0 ->
		MY.extra = MY.extra || MY.want_hold;
		MY.wait = PACE(me) - (MY.late < PACE(me) -> MY.late : 0);
		MY.late = 0;
		ask = advert
	:: else
	fi
}

inline timer(me)
{
	printf("%d timer\n", me);
	wake(me);
	if
	:: MY.state == STANDBY && MY.wait == 0 -> standby_timer(me)
	:: MY.state == CLAIM && MY.wait == 0 -> goes_on = true
	:: MY.state == ACTIVE -> active_timer(me)
	:: MY.state == RELEASING && MY.wait == 0 -> finish_release(me)
	:: else
	fi
}

inline hands_over(me)
{
	printf("%d hands-over\n", me);
	MY.handing = false;
	wake(me);
	if
	:: MY.state == ACTIVE -> let_go(me, handover, true)
	:: else
	fi
}

/* ---- Actuator and kernel ---------------------------------------------- */

/*
 * Two nodes alone cannot prevent it when the claim of the newer one could not
 * be heard or answered, and either the advert on which the lease of the older
 * one rests was lost, or one in earnest of that claim was.  STRICT excuses
 * nothing.
 */
#ifdef STRICT
#define EXCUSED(old, new)	false
#else
#define EXCUSED(old, new)	(node[new].hindered && (node[old].rests || \
				    node[old].rested || node[new].missed))
#endif

inline take_address(me)
{
	MY.present = true;
	if
	:: PEER.present && !EXCUSED(me, OTHER) && !EXCUSED(OTHER, me) ->
		VIOLATED(two_holders)
	:: else
	fi
}

inline actuator(me)
{
	printf("%d order %e\n", me, MY.order);
	if
	:: MY.order == release ->
		MY.present = false;
		MY.holds = false;
		MY.answer = released
#ifndef NO_LATE_ORDER
	/* Rule late-order: an order is carried out at once or not at all. */
	:: MY.order != release && MY.order_age > 0 -> MY.answer = no
#endif
	:: MY.order == renew && !MY.holds -> MY.answer = no
	:: else ->
		MY.holds = true;
		MY.rested = MY.rested || MY.rests;
		MY.rests = MY.unheard;
		MY.lease = 0;
		if
		:: MY.order == hold -> take_address(me)
		:: else
		fi;
		MY.answer = (MY.present -> yes : no)
	fi;
	MY.order = nothing;
	MY.order_age = 0;
	may_freeze(me)
}

/* Rule lease: it lapses by itself, late, never early. */
inline kernel(me)
{
	if
	:: MY.present && MY.age > LAPSE_LAST -> VIOLATED(lease_too_long)
	:: else
	fi;
#ifndef NO_LEASE
	if
	:: MY.present && MY.lease >= LAPSE_FIRST -> MY.present = false
	:: !MY.present || MY.lease < LAPSE_LAST
	fi
#endif
}

/* ---- A node: channels, then the socket, then timers -------------------- */

#define AWAKE(i)	(node[i].up && node[i].state != OFF && !stop)
#define READY(i)	(AWAKE(i) && node[i].order == nothing && \
			    node[i].sending == none)
#define IDLE(i)		(READY(i) && node[i].answer == nothing && \
			    node[i].written == 0 && !node[i].handing)
#define DUE(i)		(node[i].wait == 0 || (node[i].state == ACTIVE && \
			    node[i].acked >= LAPSE_LAST))
#ifdef NO_DRAIN
#define DRAINED(i)	true
#else
#define DRAINED(i)	(len(inbox[i]) == 0)
#endif
#define END_OF_STEP(i)	printf("%d is %e %d %d\n", i, node[i].state, \
			    node[i].term, node[i].own)

/* One event; what it wants to be sent goes out at the end of its step. */
inline event(me)
{
	if
	:: READY(me) && MY.answer != nothing -> answered(me)
	:: READY(me) && MY.answer == nothing && MY.written > 0 ->
		term_kept(me)
	:: READY(me) && MY.answer == nothing && MY.handing -> hands_over(me)
	:: IDLE(me) && len(inbox[me]) > 0 ->
		inbox[me]?what, t;
		hears(me, what, t)
	:: IDLE(me) && DRAINED(me) && DUE(me) -> timer(me)
	fi;
	if
	:: goes_on -> claim_send(me)
	:: else
	fi;
	END_OF_STEP(me);
	if
	:: ask != none ->
		if
		:: MY.want_hold && inbox[me]??[advert, eval(PEER.own)] &&
		    NEWER(PEER.own, OTHER, MY.own, me) ->
			VIOLATED(holds_before_it_has_read)
		:: else
		fi;
		t = (ask == soft -> MY.term : MY.own);
		send_out(me, ask, t)
	:: else
	fi;
	goes_on = false;
	ask = none;
	what = none;
	t = 0
}

proctype Elector(byte me)
{
	mtype what = none, ask = none;
	byte t;
	bit goes_on;

end:	do
	:: atomic { AWAKE(me) && MY.order != nothing -> actuator(me) }
	:: atomic { AWAKE(me) && MY.order == nothing && MY.sending != none ->
		sent(me); END_OF_STEP(me) }
	:: atomic { event(me) }
	od
}

/* ---- Time and faults --------------------------------------------------- */

/* Frames that wait in the socket of a frozen node grow old. */
inline grow_old(me)
{
	i = len(inbox[me]);
	do
	:: i > 0 ->
		inbox[me]?k, x;
		if
		:: k == go_now -> inbox[me]!go_now_1, x
		:: k == go_now_1 -> inbox[me]!go_now_late, x
		:: k == resign -> inbox[me]!resign_1, x
		:: k == resign_1 -> inbox[me]!resign_late, x
		:: else -> inbox[me]!k, x
		fi;
		i--
	:: else -> break
	od;
	k = none;
	x = 0
}

#define DOWN_BY_1(v)	v = (v > 0 -> v - 1 : 0)
#define UP_BY_1(v, top)	v = (v < (top) -> v + 1 : (top))

inline count(me)
{
	UP_BY_1(MY.age, CAP);
	MY.rested = false;
	if
	:: MY.present -> UP_BY_1(MY.lease, CAP)
	:: else -> MY.lease = 0
	fi;
	if
	:: MY.state != OFF ->
		if
		:: MY.wait > 0 -> MY.wait--
		:: else -> UP_BY_1(MY.late, PACE(me))
		fi;
		DOWN_BY_1(MY.wary);
		DOWN_BY_1(MY.mute);
		UP_BY_1(MY.acked, CAP);
		MY.extra = false;
		if
		:: MY.sending != none -> UP_BY_1(MY.asked, CAP)
		:: else
		fi;
		if
		:: MY.order != nothing -> UP_BY_1(MY.order_age, CAP)
		:: else
		fi;
		grow_old(me)
	:: else
	fi
}

/* A healthy node that hears nobody is active in time. */
inline watch(me)
{
	if
	:: MY.up && (MY.state == STANDBY || MY.state == CLAIM) ->
		MY.alone++;
		if
		:: MY.alone > DOWN(me) + CLAIM_ADVERTS ->
			VIOLATED(alone_and_not_active)
		:: else
		fi
	:: else -> MY.alone = 0
	fi
}

inline watch_both()
{
	if
	:: node[0].up && node[1].up && node[0].state != OFF &&
	    node[1].state != OFF && node[0].state != ACTIVE &&
	    node[1].state != ACTIVE ->
		idle++;
		if
		:: idle > 2 * DOWN(1) + 2 * CLAIM_ADVERTS ->
			VIOLATED(nobody_becomes_active)
		:: else
		fi
	:: else -> idle = 0
	fi
}

inline keeper(me)
{
	if
	:: MY.keep > 0 && MY.up ->
		MY.disk = (MY.keep > MY.disk -> MY.keep : MY.disk);
		MY.written = MY.keep;
		MY.keep = 0;
		MY.slow = false
	:: MY.keep > 0 && MY.up && !MY.slow -> MY.slow = true
	:: MY.keep == 0 || !MY.up
	fi
}

/* The address stays in the kernel until its lease ends. */
inline crash(me)
{
	printf("%d dies\n", me);
	MY.state = OFF;
	MY.up = true; MY.settled = false; MY.hold_off = false;
	MY.wait = 0; MY.late = 0; MY.wary = 0; MY.term = 0; MY.heard = 0;
	MY.step = 0; MY.open = false; MY.sending = none; MY.left = false;
	MY.asked = 0; MY.acked = 0; MY.failing = false; MY.extra = false;
	MY.want_hold = false; MY.held = false; MY.kept = false;
	MY.service = false; MY.resigns = false; MY.why = because;
	MY.order = nothing; MY.answer = nothing; MY.order_age = 0;
	MY.holds = false; MY.keep = 0; MY.written = 0; MY.slow = false;
	MY.handing = false; MY.mute = 0; MY.alone = 0; MY.told = 0;
	do
	:: len(inbox[me]) > 0 -> inbox[me]?k, x
	:: else -> break
	od;
	k = none;
	x = 0
}

/* Leftovers are removed; then it is silent. */
inline start(me)
{
	MY.state = STANDBY;
	MY.present = false;
	MY.term = MY.disk;
	MY.own = 0;
	MY.hindered = false;
	MY.mute = DOWN(me);
	printf("%d starts %d\n", me, MY.term);
#ifdef NO_SILENT
	MY.wait = 0
#else
	MY.wait = DOWN(me)
#endif
}

inline thaw(me)
{
	printf("%d thaws\n", me);
	MY.up = true;
	if
	:: (MY.state == STANDBY || MY.state == CLAIM) && MY.wait == 0 &&
	    MY.late > 1 -> MY.mute = DOWN(me)
	:: MY.state == ACTIVE && MY.age > LEASE && MY.late > 1 ->
		MY.mute = DOWN(me)
	:: else
	fi
}

inline fault(me)
{
	if
	:: true
	:: MY.state == OFF -> idle = 0; start(me)
	:: MY.state != OFF && !MY.up -> idle = 0; thaw(me)
	:: MY.state != OFF && crashes > 0 ->
		crashes--;
		PEER.hindered = PEER.hindered || PEER.state == CLAIM;
		crash(me)
	:: MY.state == ACTIVE && MY.up && handovers > 0 ->
		handovers--;
		idle = 0;
		MY.handing = true
	:: MY.state != OFF && MY.up && freezes > 0 -> may_freeze(me)
	fi
}

proctype Clock()
{
	mtype k;
	byte i, x;

end:	do
	:: atomic { timeout && !stop ->
		printf("tick\n");
		count(0); count(1);
		kernel(0); kernel(1);
		watch(0); watch(1);
		watch_both();
		keeper(0); keeper(1);
		fault(0); fault(1) }
	od
}

init
{
	atomic {
		node[0].up = true; node[0].state = OFF;
		node[1].up = true; node[1].state = OFF;
		node[0].sending = none; node[1].sending = none;
		node[0].order = nothing; node[1].order = nothing;
		node[0].answer = nothing; node[1].answer = nothing;
		node[0].why = because; node[1].why = because;
		run Elector(0); run Elector(1); run Clock()
	}
}
