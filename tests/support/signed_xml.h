/*
 * signed_xml: an answer as the gateway writes it, signed with a key of the test's choice.
 *
 * The message is one line of "name=value|name=value"; no value holds '|' or '='. pg_salt is
 * added, and pg_sig is put behind the fields unless `key` is absent. The result is a view of a
 * static place: valid until the next call.
 */
#ifndef PAYOUTD_TESTS_SIGNED_XML_H
#define PAYOUTD_TESTS_SIGNED_XML_H

#include "payoutd/base/bytes.h"

struct bytes signed_xml(struct bytes script, const char *message, struct bytes key);

#endif
