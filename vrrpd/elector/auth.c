/* SPDX-License-Identifier: ISC */

/*
 * Elector: who may speak, and who must sign.  Pure; reads no packet, only
 * what the codec and the configuration say.
 */

#include "auth.h"

enum verdict
auth_judge(const struct auth_rule *rule, const struct auth_sender *from,
    const struct advert *a)
{
	bool is_signed = a->trailer.type != 0;

	if (from->self)
		return ADVERT_OWN;		/* 2.15 */
	/* 2.4: the group is where adverts go, unless told otherwise. */
	if (!from->to_group && (!rule->unicast || !from->known))
		return ADVERT_STRANGER;
	if (is_signed && rule->has_keys && !from->known)
		return ADVERT_STRANGER;
	if (is_signed || !rule->has_keys)
		return ADVERT_OK;
	if (from->known && from->foreign)
		return ADVERT_OK;
	if (rule->mode != AUTH_ENFORCE)
		return ADVERT_OK;
	return from->known ? ADVERT_UNSIGNED : ADVERT_STRANGER;
}
