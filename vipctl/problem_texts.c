/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the texts of all problems, and nothing else.  Numbers are stable:
 * a problem that is gone leaves a gap.  vipair(7) lists the titles.
 */
#include "problems.h"

const struct problem_text problem_texts[] = {
{ PROBLEM_DUAL_ACTIVE, 'C', false,
  "two nodes are active at the same time",
  "this node is active and hears {partner} as active, too"
  "[, for {age} now]",
  "look at 'vipctl status' on both nodes; adverts of one may not reach the "
  "other: check switch and firewall for protocol 112, then "
  "'vipctl handover' on the node that is to yield",
  "Both nodes send adverts as the active one. Between nodes that sign, the "
  "newer term decides within one advert; if it lasts, adverts arrive in one "
  "direction only, or the nodes do not share a key. While it lasts two "
  "machines may answer for the virtual address." },
{ PROBLEM_HEARTBEAT_BLOCKED, 'C', false,
  "the heartbeat is blocked between living nodes",
  "adverts do not pass between this node and {partner}, which is alive by the "
  "other path[, for {age} now][: {detail}]",
  "let protocol 112 to 224.0.0.18 pass on {interface}: firewall on both "
  "nodes, IGMP snooping on the switch",
  "The partner is alive and active, only its adverts do not arrive. This "
  "node holds back as long as the partner says so. Should the partner "
  "really die now, the takeover is as fast as ever." },
{ PROBLEM_NOBODY, 'C', false,
  "no node is active",
  "nobody is active: the address {vip} is not served",
  "end maintenance or repair the fault on one node; 'vipctl why' tells why "
  "this one does not take over",
  "This node is not active and hears nobody who is. It takes over by itself "
  "unless it is in maintenance, faulted, or has no link." },
{ PROBLEM_SERVICE_FAILED, 'C', false,
  "the service failed and the one restart did not help",
  "{service} {failed} on this node[, {age} ago]",
  "read the log of {service}, repair it, then 'vipctl maintenance off' "
  "lets this node take part again",
  "The service was restarted once, failed again, and the role was handed "
  "over if the partner was there. This node stays faulted and is tried "
  "again only when nobody else is active." },
{ PROBLEM_INTERFACE_MISSING, 'C', false,
  "the interface does not exist",
  "interface[ {interface}] of pair {pair} does not exist",
  "create the interface or correct the configuration; vrrpd waits for it",
  "The configuration names an interface that this host does not have now. "
  "The node waits, takes part as soon as the interface appears, and never "
  "exits because of it." },
{ PROBLEM_OWN_ADDRESS_MISSING, 'C', false,
  "no interface has this node's own address",
  "no interface of this host has the address of a node of pair {pair}",
  "give the interface the node's address, or correct the addresses in the "
  "configuration; vrrpd waits for it",
  "A node knows itself by its address. None of the addresses that the "
  "configuration gives to the nodes is on an interface of this host, so it "
  "does not know which node it is, and waits." },
{ PROBLEM_LINK_DOWN, 'C', false,
  "the interface is down or has no carrier",
  "interface[ {interface}] is down or has no carrier[ for {age}]",
  "check the cable and the switch port, or 'ip link set {interface} up'",
  "Without a link this node can neither be heard nor hear; it gives the "
  "role up and starts again as standby when the link is back." },
{ PROBLEM_FLAPPING, 'C', false,
  "the role moved too often",
  "the role moved more often than the flap limit allows; this node does "
  "not take over",
  "find the cause with 'vipctl history', then 'vipctl maintenance off' lets "
  "this node take part again",
  "More takeovers than 'flap limit' within its time usually mean a service "
  "that fails on both nodes. This node stays out unless nobody else is "
  "active." },
{ PROBLEM_SEND_FAILS, 'C', false,
  "adverts cannot be sent",
  "adverts do not leave[ {interface}][: {error}]",
  "check the interface and local firewall rules for outgoing protocol 112",
  "The kernel refuses to send this node's adverts. An active node that "
  "cannot be heard gives the role up, because the partner takes over." },
{ PROBLEM_HOLD_FAILS, 'C', false,
  "the virtual address cannot be put up",
  "the address {vip} cannot be put on[ {interface}][: {error}]",
  "look at vrrpd's log; another address manager or a missing right is the "
  "usual cause",
  "The kernel refused the virtual address. The node gives the role up "
  "rather than claim an address that it does not answer for." },
{ PROBLEM_DATA_NOT_READY, 'C', false,
  "this node's data are not fit for a takeover",
  "this node does not take over: {unready}",
  "leave both nodes running until 'vipctl sync status' says that this one "
  "is level; 'vipctl sync allow' lets it take over with what it has",
  "A node whose data set is empty, incomplete or broken asks the election "
  "to pass it over, so that nobody serves without data while a node with "
  "them lives. An operator may let it take over all the same." },
{ PROBLEM_LOAD_FAILED, 'C', false,
  "the data could not be put in place",
  "the data of pair {pair} could not be put in place before the service "
  "was to start[: {loader}]",
  "look at vrrpd's log for the line of the loader, repair what it names, "
  "then 'vipctl maintenance off' lets this node take part again",
  "A takeover puts the last verified generation in place of the live data "
  "before it starts the service. That failed, so the service was not "
  "started, live data are whole (as before, or as after), and the role was "
  "handed back if the partner was there." },
{ PROBLEM_STORE_DAMAGED, 'C', false,
  "the store of generations does not verify",
  "the store of pair {pair} on this node does not verify",
  "look at the disk ('dmesg'); with {partner} in order, stop vrrpd here, "
  "move the pair's directory in the store aside and start vrrpd: "
  "everything is copied again",
  "Each generation is chained to the one before by hashes, and something "
  "in the chain is not what it was when it was written. Nothing is loaded "
  "from a store that does not verify. Generations that do verify can still "
  "be read with 'vipctl generations' and 'vipctl restore'." },
{ PROBLEM_DAEMON_DOWN, 'C', false,
  "the daemon does not answer",
  "vrrpd of this node does not answer[: {detail}]",
  "'systemctl start vipair' (or the service of your init), then look at its "
  "log if it does not stay",
  "Without vrrpd this node neither takes the address nor guards it. What "
  "doctor finds then is what the host and the network say alone." },
{ PROBLEM_CONFIG_BROKEN, 'C', false,
  "the configuration cannot be used",
  "the configuration cannot be used[: {detail}]",
  "'vipctl validate --offline FILE' shows each mistake with its line",
  "A running vrrpd keeps the configuration it has; one that is started or "
  "reloaded now refuses the file." },
{ PROBLEM_ADDRESS_STRIPPED, 'W', false,
  "somebody removed the virtual address",
  "somebody removed {vip} from this node[, {times}], and it was put "
  "back[; {manager} manages the interface]",
  "find who removes it; a network manager must leave addresses alone that "
  "it did not configure (networkd: KeepConfiguration=yes)",
  "The address went away without an order of ours: by hand, or by a network "
  "manager that removes what it did not configure. It comes back with the "
  "next advert." },
{ PROBLEM_ADDRESS_CONFLICT, 'W', false,
  "a stranger answers for the virtual address",
  "a stranger[ at {mac}] answers for {vip}[, for {age} now]",
  "find the machine with this hardware address and take the address from "
  "it",
  "Somebody who is no node of this pair sent ARP or a neighbour "
  "advertisement for the virtual address. The active node announces itself "
  "again, at a limited rate. A second machine with the address, or an "
  "attack." },
{ PROBLEM_VHID_COLLISION, 'W', false,
  "a stranger uses the same vhid",
  "a stranger[ at {address}] sends adverts with vhid {vhid}, which is "
  "pair {pair}'s[, for {age} now]",
  "choose a free vhid on one of the two[: {free} is free on this network]; "
  "'vipctl monitor' lists those in use",
  "Two groups with one number on one network disturb each other. Adverts "
  "of the stranger are dropped here; ours disturb him." },
{ PROBLEM_OTHER_PROTOCOL, 'W', false,
  "another protocol uses the same number",
  "[{address} ]speaks another protocol[, {protocol},] than pair {pair} on "
  "number {vhid}[, for {age} now]",
  "set 'protocol' alike on both nodes, or give the other group another "
  "number[: {free} is free on this network]",
  "CARP and VRRP share protocol number 112, and an advert of one is not "
  "understood by the other: two nodes that differ in this are both active." },
{ PROBLEM_AUTH_FAILS, 'W', false,
  "adverts with a wrong key or password are heard",
  "adverts[ from {address}] fail authentication[, for {age} now]",
  "make the secret files of both nodes the same",
  "An advert for this pair carried a digest or trailer that does not fit "
  "our secret. It is dropped. If it came from the partner, both nodes take "
  "the other for dead." },
{ PROBLEM_INTERVAL_MISMATCH, 'W', false,
  "the partner sends at another interval",
  "adverts[ from {address}] announce another interval than {interval} s"
  "[, for {age} now]",
  "set 'advertise every' alike on both nodes",
  "VRRPv2 drops adverts with another interval; CARP and VRRPv3 learn the "
  "sender's, but the takeover time is not what the configuration says." },
{ PROBLEM_UNAUTHENTICATED, 'W', true,
  "adverts are not authenticated",
  "adverts of pair {pair} carry no signature: anybody on this network can "
  "take the role or silence a node",
  "put 'key' lines into a secret file, the same on both nodes",
  "Without a key there is only what the protocol brings: nothing for VRRP, "
  "and for CARP a digest that leaves rank and interval open. Terms, go-now "
  "and protection from replay need a key. Towards foreign peers it cannot "
  "be better." },
{ PROBLEM_NOT_DURABLE, 'W', false,
  "the state directory cannot be written",
  "terms and counters cannot be stored[: {error}][, for {age} now]",
  "make room on or repair the file system of the state directory",
  "Adverts go on. But a restart of this node may now repeat a number that "
  "the partner refuses, or forget a term." },
{ PROBLEM_TERM_JUMP, 'W', false,
  "an advert with an impossible term was refused",
  "an advert[ from {address}] jumped ahead in terms and was refused"
  "[, for {age} now]",
  "if the partner's state directory was replaced, stop both nodes and "
  "start them again; else the partner's key is in wrong hands",
  "Terms rise by one at each takeover. A jump of more than 1000 is no "
  "takeover but a mistake or an attack." },
{ PROBLEM_FROZEN_ANSWER, 'W', true,
  "a frozen node may answer after the takeover",
  "adverts every {interval} s are faster than an address lease can lapse: "
  "a frozen node may answer for up to 3 s beside its successor",
  "advertise every 1s or slower where that matters",
  "The address is leased in whole seconds. With adverts below 1 s the "
  "partner takes over before the lease of a node that is frozen as a whole "
  "has lapsed. A node of which any part lives removes the address at once." },
{ PROBLEM_REPLAY, 'W', false,
  "replayed adverts are heard",
  "old adverts are sent again[ from {address}][, for {age} now]; they are "
  "dropped",
  "find who repeats them; a looping switch or an attack",
  "The sequence number of a signed advert was not above the last one. "
  "Nothing was changed by it." },
{ PROBLEM_FLOOD, 'W', false,
  "a flood of adverts is dropped",
  "more packets of protocol 112 arrive than can be judged[, for {age} now]",
  "find the sender with 'vipctl monitor' or at the switch",
  "Packets that cannot be ours are dropped by the kernel or unread; adverts "
  "are on time. Counters of dropped packets are lower bounds meanwhile." },
{ PROBLEM_SANDBOX_WEAK, 'W', true,
  "the sandbox is weaker than designed",
  "rooms of this vrrpd run without their system call filters[: {detail}]",
  "install the regular build of vipair, and restart vrrpd",
  "A sanitizer build cannot run under the filters. Fit for tests only. A "
  "room of a regular build that has none was not started from it." },
{ PROBLEM_PREFIX, 'W', false,
  "a virtual address is outside the interface's network",
  "a virtual address[ {address}] of pair {pair} is in no network of"
  "[ {interface}]",
  "correct the virtual address, or give the interface an address in its "
  "network",
  "Neighbours find an address by ARP only within their own network. An "
  "address outside needs a route to the nodes." },
{ PROBLEM_PARTNER_SILENT, 'W', false,
  "the partner was never heard",
  "{partner} was never heard since this node started[ {age} ago]",
  "start vrrpd on {partner}; if it runs there, check vhid, protocol and "
  "firewall on both nodes",
  "A standby sends nothing, so silence of a standby is normal once it has "
  "been active or has resigned. Before that nobody knows whether it is "
  "there at all." },
{ PROBLEM_UNSIGNED_PARTNER, 'W', false,
  "the partner sends without a signature",
  "[{address} ]sends adverts without a signature although pair {pair} has "
  "keys[, for {age} now]",
  "give the partner the same secret file, or mark it 'foreign', or use "
  "'authentication permissive' while rolling out",
  "With 'authentication enforce' unsigned adverts of an own node are "
  "dropped, and both nodes become active." },
{ PROBLEM_TRACK_DOWN, 'W', false,
  "a tracked interface is down",
  "a tracked interface is down[ for {age}]",
  "bring the tracked interface up, or take its 'track' line away",
  "The node steps back in favour of a partner whose interfaces are all up; "
  "it still serves when nobody else does." },
{ PROBLEM_MAINTENANCE, 'W', false,
  "this node is in maintenance",
  "this node is in maintenance[: {reason}]",
  "'vipctl maintenance off' when the work is done",
  "An operator asked that this node not take over. If the active node dies "
  "now, nobody does." },
{ PROBLEM_SERVICE_UNHEALTHY, 'W', false,
  "the service fails its checks",
  "{service} fails its checks[, {second} in a row]",
  "read the log of {service}; it is restarted once, then the role is "
  "handed over",
  "The checks of the 'service' block fail. After 'give up after' failures "
  "the service is restarted once; if that does not help the role is handed "
  "over once." },
{ PROBLEM_ADDRESS_LIST, 'W', false,
  "the partner lists other virtual addresses",
  "adverts[ from {address}] list other addresses than pair {pair} has"
  "[, for {age} now]",
  "make the 'virtual address' lines of both nodes the same",
  "After a takeover the addresses that only one node knows are gone or "
  "stay behind." },
{ PROBLEM_ADDRESS_UNMARKED, 'W', false,
  "somebody else configured the virtual address here",
  "[{address} ]is on this node[, {interface},] but was not put there by "
  "vrrpd",
  "take the address out of the network configuration of this host and "
  "remove it with 'ip address del'; vrrpd puts it up when this node is "
  "active",
  "vrrpd leases only addresses that it put up itself. One that a network "
  "manager or a person configured stays when this node loses the role, and "
  "then two nodes answer for it." },
{ PROBLEM_MIRROR_DOWN, 'W', false,
  "the data half does not answer",
  "the part of vrrpd that copies data does not answer[, for {age} now]",
  "look at vrrpd's log for lines of mirror and capture; vrrpd starts them "
  "again by itself",
  "Adverts, address and service do not depend on it and go on. But nothing "
  "is captured or shipped meanwhile, and what the data are is not known." },
{ PROBLEM_PARTNER_SSH, 'W', false,
  "no ssh channel to the partner",
  "no ssh channel to {partner}[ for {shipage}][: {said}]",
  "{sshfix}",
  "Data travel over ssh. Without it the partner keeps what it has and "
  "falls behind; if this node died now, what was written since would be "
  "lost to it. The election goes on without the partner's word." },
{ PROBLEM_HOST_KEY, 'W', false,
  "the partner's host key is not the one that was pinned",
  "{partner} shows another host key than the one that was pinned",
  "if {partner} was installed anew, put its new host key into the pair's "
  "known_hosts in the state directory (ssh/{pair}/known_hosts) on this "
  "node; else somebody answers in its place",
  "The host key of the partner was stored when the nodes were made "
  "acquainted. Nothing is sent to a host that shows another one." },
{ PROBLEM_DATA_LATE, 'W', false,
  "the partner's data are more than a minute old",
  "{partner} lacks what was written here[ more than {lag} ago]",
  "'vipctl sync status' shows what is under way and how fast; a large "
  "change takes its time, else look for the reason it names",
  "If this node died now the partner would start with data of that age. "
  "Sixty seconds are far more than a change takes when the channel is up "
  "and the network fast enough." },
{ PROBLEM_CAPTURE_HELD, 'W', false,
  "a generation is held back",
  "no new generation is made[ for {heldage}][: {held}][, and {heldmore} "
  "more]",
  "[{heldfix}; ]'vipctl sync status' lists all of them",
  "A generation is published only when everything that belongs to it was "
  "read whole. What could not be read holds it back, rather than a torn "
  "copy replacing a good one. It is tried again by itself; until then the "
  "partner keeps the last good generation." },
{ PROBLEM_CAPTURE_LEFT_OUT, 'W', false,
  "something is not copied as it should be",
  "not everything is copied as it should be[: {left}][, and {leftmore} "
  "more]",
  "[{leftfix}; ]'vipctl sync status' lists all of them",
  "Generations are made, but without what is named here, or with less than "
  "one would expect. After a takeover it is missing on the other node." },
{ PROBLEM_STORE_FULL, 'W', false,
  "the store has no room",
  "no room for a new generation on this node[: {usage}]",
  "raise 'store at most' or make room on the file system of the state "
  "directory; old generations went already",
  "Older generations are thinned by age until the store fits. What is left "
  "is needed: the newest generations, those of the last hour, and parked "
  "branches ('vipctl diverged'). The service is not affected, but its data "
  "are no longer copied." },
{ PROBLEM_PARTNER_FULL, 'W', false,
  "the partner's store has no room",
  "{partner} has no room for a new generation[: {partnerfree} are free "
  "there]",
  "on {partner}: make room on the file system of the state directory or "
  "raise 'store at most' on both nodes",
  "The partner refuses what it cannot keep. It holds the last generation "
  "that fitted, and catches up by itself when there is room." },
{ PROBLEM_DIVERGED, 'W', false,
  "a branch of the data is parked",
  "{branches} parked on this node: written here, but not part of what the "
  "pair went on with",
  "'vipctl diverged' lists them, 'vipctl diverged show NAME' tells what "
  "differs, then 'vipctl diverged adopt' or 'vipctl diverged dismiss' ends "
  "it",
  "After a cut, or a crash before the last change had reached the partner, "
  "one node holds changes that the other never saw, and the other went on "
  "without them. They are kept for 30 days and never mixed in by "
  "themselves." },
{ PROBLEM_BIT_ROT, 'W', false,
  "stored objects had gone bad",
  "{rotten} of the store had gone bad and were set aside",
  "look at the disk of the state directory ('dmesg', 'smartctl'); what is "
  "missing is fetched again",
  "The store is read through in the background and each object compared "
  "with its hash. A bad one is never loaded; it is made or fetched again "
  "where it still exists." },
{ PROBLEM_PARTNER_REFUSES, 'W', false,
  "the partner does not take the data",
  "{partner} does not take the data of this node[ for {shipage}][: {said}]",
  "'vipctl status' on {partner} names the reason; two active nodes end by "
  "themselves or by 'vipctl handover', a damaged store is C13 there",
  "The channel is up, but the partner does not take a generation: it is "
  "active itself, its own store does not work, or it does not believe a "
  "number that this node says." },
{ PROBLEM_SHIP_STALE, 'W', false,
  "the partner knows a newer epoch",
  "{partner} has seen a newer takeover than this node's and takes nothing "
  "from it",
  "nothing at once: this node gives the role up, and what only it has is "
  "parked; look at 'vipctl diverged' afterwards",
  "The partner took over while this node was frozen or cut off. The newer "
  "term wins. What was written here since is kept as a branch, not lost." },
{ PROBLEM_PARTNER_OTHER, 'W', false,
  "what answers on the partner is no receiver",
  "what answers on {partner} over ssh is not vipair's receiver[: {said}]",
  "make the line of this node's key in the authorized_keys of user _syncr "
  "on {partner} start the receiver of the same version for pair {pair}; "
  "compare 'vipctl version' on both",
  "ssh came through, but behind it is a shell, a receiver of another "
  "version or for another pair. Nothing is sent to it." },
{ PROBLEM_STORE_REMOVED, 'W', false,
  "the store was removed from this node's disk",
  "somebody removed the store of this node[ {age} ago]; it was made anew",
  "nothing at once: it fills by itself; find out who removed it, and look "
  "at 'vipctl diverged' on {partner} for the generations from before",
  "The daemon found that its store was not there any more and began a new "
  "one: an active node from its live data, a standby from what the partner "
  "sends. Live data are not touched. The generations of this node from "
  "before are gone; what the partner had of them it keeps, as a parked "
  "branch when the active node's store was removed. Told for an hour." },
{ PROBLEM_FIREWALL, 'W', false,
  "the host's own firewall drops the adverts",
  "the packet filter of this host drops packets of protocol 112[: {detail}]",
  "let protocol 112 pass on {interface}, in and out[: {advice}]; make it "
  "permanent in the file the rules are loaded from",
  "Adverts are packets of IP protocol 112 to 224.0.0.18. A node that cannot "
  "send them is taken for dead, one that cannot hear them takes over beside "
  "a living partner. This was measured with two packets that never leave "
  "the host." },
{ PROBLEM_ADDRESS_MANAGER, 'W', false,
  "a network manager may remove the virtual address",
  "a network manager of this host may remove the virtual address"
  "[: {detail}]",
  "tell it to keep addresses that are not its own[: {advice}]",
  "A manager that owns the interface removes addresses it did not configure "
  "when it is restarted or reconfigured. vrrpd puts the address back with "
  "its next advert, so connections pause for up to an interval." },
{ PROBLEM_ADDRESS_STATIC, 'W', false,
  "the virtual address is configured statically",
  "the virtual address is written into this host's network configuration"
  "[: {detail}]",
  "take it out there: vrrpd alone puts it up and takes it off[; {advice}]",
  "An address that comes up at boot is there on the standby, too: then two "
  "machines answer for it, and vrrpd takes off only what it put up." },
{ PROBLEM_SERVICE_AT_BOOT, 'W', false,
  "the service is started at boot by itself",
  "{service} is started at boot, whoever is active[: {detail}]",
  "leave starting and stopping it to vrrpd[: {advice}]",
  "A service that starts on the standby by itself works with data that are "
  "not its own to change, and may keep the loader from putting new ones in "
  "place." },
{ PROBLEM_SERVICE_ELSEWHERE, 'W', false,
  "the service does not listen on the virtual address",
  "{service} is up but not to be reached at {vip}[: {detail}]",
  "correct the service's own configuration[: {advice}]",
  "Clients come to the virtual address. A service that listens on another "
  "address of the node, or on the loopback only, does not hear them." },
{ PROBLEM_CLOCK, 'W', false,
  "the clocks of the nodes differ",
  "the clocks of the nodes differ[: {detail}]",
  "let both nodes take the time from the same source (chrony, "
  "systemd-timesyncd)",
  "The election does not depend on the wall clock. But certificates, tokens "
  "and the times in files and logs do, and those travel with the service." },
{ PROBLEM_CONF_DIFFERS, 'W', false,
  "the nodes have different configurations",
  "the configuration of {partner} is not this node's[: {detail}]",
  "make the file the same on both nodes and reload both",
  "Both nodes are to read the same file. What differs shows at the next "
  "takeover: another address, another service, other data." },
{ PROBLEM_VERSION_DIFFERS, 'W', false,
  "the nodes run different versions",
  "{partner} runs another version of vipair[: {detail}]",
  "upgrade the older one; the role does not move when the package is "
  "upgraded",
  "Nodes of different versions work together during an upgrade. Left so, a "
  "takeover brings another program than the one that was tested." },
{ PROBLEM_CLOUD, 'W', false,
  "this is a machine of a public cloud",
  "this machine runs in a public cloud[: {detail}]: its network usually "
  "carries neither protocol 112 to a group nor an address that moves",
  "see that adverts arrive ('vipctl monitor' on the standby) and that the "
  "cloud delivers the address to whoever announces it; else move it by the "
  "cloud's own means from a 'notify' program",
  "Most clouds switch by their own tables: they drop multicast and ARP for "
  "addresses that they did not assign. Elsewhere, as on VMware and Hyper-V, "
  "a setting of the virtual switch has to allow it." },
{ PROBLEM_NO_DRILL, 'W', false,
  "no takeover was tried for 90 days",
  "no takeover of pair {pair} was seen for[ {age}, that is more than] 90 days",
  "'vipctl drill' hands over and back and measures both outages",
  "What was not tried for long may not work: an expired certificate, a "
  "firewall rule, a service that does not start there any more. Any "
  "takeover counts, wanted or not." },
};

const size_t problem_texts_count =
    sizeof(problem_texts) / sizeof(problem_texts[0]);
