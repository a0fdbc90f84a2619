
/*
 * The terminal that the program itself runs in.
 */


#ifndef _SLED_SCREEN_H_INCLUDED_
#define _SLED_SCREEN_H_INCLUDED_


#include "sled.h"


void sled_screen_raw(void);
void sled_screen_restore(void);
void sled_screen_size(unsigned *cols, unsigned *rows);
void sled_screen_say(const char *text);
void sled_screen_wait(void);


#endif /* _SLED_SCREEN_H_INCLUDED_ */
