package templates

import (
	"strings"
	"sync"
)

// The columns of the table of cities.
const (
	inEnglish = iota
	inFrench
	inSpanish
)

// cities returns the names of the cities after which zones are called, by the
// last part of the IANA name. Those that all three languages write as IANA does
// (with spaces for underscores) are not in it.
var cities = sync.OnceValue(func() map[string][3]string {
	m := map[string][3]string{}
	for row := range strings.Lines(cityTable) {
		f := strings.Split(strings.TrimSpace(row), "|")
		if len(f) != 4 {
			continue
		}
		names := [3]string{f[1], f[2], f[3]}
		for i := range names {
			if names[i] == "" {
				names[i] = strings.ReplaceAll(f[0], "_", " ")
			}
		}
		m[f[0]] = names
	}
	return m
})

// formerly holds names that are kept for old systems and say no city.
var formerly = map[string]string{
	"US/Eastern": "America/New_York", "US/Central": "America/Chicago", "US/Mountain": "America/Denver",
	"US/Pacific": "America/Los_Angeles", "US/Alaska": "America/Anchorage", "US/Hawaii": "Pacific/Honolulu",
	"US/Arizona": "America/Phoenix", "US/Michigan": "America/Detroit", "US/East-Indiana": "America/Indianapolis",
	"Canada/Eastern": "America/Toronto", "Canada/Central": "America/Winnipeg", "Canada/Mountain": "America/Edmonton",
	"Canada/Pacific": "America/Vancouver", "Canada/Atlantic": "America/Halifax", "Canada/Newfoundland": "America/St_Johns",
	"Canada/Saskatchewan": "America/Regina", "Canada/Yukon": "America/Whitehorse",
	"Mexico/General": "America/Mexico_City", "Mexico/BajaNorte": "America/Tijuana", "Mexico/BajaSur": "America/Mazatlan",
	"Brazil/East": "America/Sao_Paulo", "Brazil/West": "America/Manaus", "Brazil/Acre": "America/Rio_Branco",
	"Brazil/DeNoronha": "America/Noronha", "Chile/Continental": "America/Santiago", "Chile/EasterIsland": "Pacific/Easter",
	"Australia/ACT": "Australia/Canberra", "Australia/NSW": "Australia/Sydney", "Australia/Victoria": "Australia/Melbourne",
	"Australia/Queensland": "Australia/Brisbane", "Australia/South": "Australia/Adelaide", "Australia/West": "Australia/Perth",
	"Australia/North": "Australia/Darwin", "Australia/Tasmania": "Australia/Hobart",
}

// cityTable has a row a city: the last part of the IANA name, English, French
// with its article, Spanish with its article. An empty field is as IANA has it.
const cityTable = `
Addis_Ababa||Addis-Abeba|Adís Abeba
Abidjan|||Abiyán
Accra|||Acra
Aden|||Adén
Adelaide||Adélaïde|Adelaida
Algiers||Alger|Argel
Amman|||Ammán
Amsterdam|||Ámsterdam
Andorra||Andorre|
Araguaina|Araguaína|Araguaína|Araguaína
Ashgabat||Achgabat|Asjabad
Asuncion|Asunción|Asunción|Asunción
Athens||Athènes|Atenas
Azores||les Açores|las Azores
Baghdad||Bagdad|Bagdad
Bahia|||Bahía
Bahia_Banderas|Bahía de Banderas|Bahía de Banderas|Bahía de Banderas
Bahrain||Bahreïn|Baréin
Baku||Bakou|Bakú
Barbados||la Barbade|
Beirut||Beyrouth|
Belem|Belém|Belém|Belém
Belgrade|||Belgrado
Belize|||Belice
Berlin|||Berlín
Bermuda||les Bermudes|las Bermudas
Bishkek||Bichkek|Biskek
Bissau|||Bisáu
Bogota|Bogotá|Bogota|Bogotá
Brussels||Bruxelles|Bruselas
Bucharest||Bucarest|Bucarest
Bujumbura|||Buyumbura
Cairo||Le Caire|El Cairo
Calcutta|Kolkata|Calcutta|Calcuta
Canary|Canary Islands|les îles Canaries|Canarias
Cancun|Cancún|Cancún|Cancún
Cape_Verde||le Cap-Vert|Cabo Verde
Cayenne|||Cayena
Cayman|Cayman Islands|les îles Caïmans|las Islas Caimán
Chatham|Chatham Islands|les îles Chatham|las Islas Chatham
Chisinau|Chișinău|Chisinau|Chisináu
Chita||Tchita|
Christmas|Christmas Island|l’île Christmas|la Isla de Navidad
Ciudad_Juarez|Ciudad Juárez|Ciudad Juárez|Ciudad Juárez
Comoro|Comoros|les Comores|las Comoras
Copenhagen||Copenhague|Copenhague
Cordoba|Córdoba|Córdoba|Córdoba
Costa_Rica||le Costa Rica|
Cuiaba|Cuiabá|Cuiabá|Cuiabá
Curacao|Curaçao|Curaçao|Curazao
Dacca|Dhaka|Dacca|Daca
Damascus||Damas|Damasco
Dar_es_Salaam|||Dar es-Salam
Dhaka||Dacca|Daca
Djibouti|||Yibuti
Dominica||la Dominique|
Douala|||Duala
Dubai||Dubaï|Dubái
Dublin|||Dublín
DumontDUrville|Dumont d’Urville|Dumont-d’Urville|Dumont d’Urville
Dushanbe||Douchanbé|Dusambé
Easter|Easter Island|l’île de Pâques|la Isla de Pascua
Eirunepe|Eirunepé|Eirunepé|Eirunepé
El_Aaiun|El Aaiún|Laâyoune|El Aaiún
El_Salvador||le Salvador|
Faeroe|Faroe Islands|les îles Féroé|las Islas Feroe
Faroe|Faroe Islands|les îles Féroé|las Islas Feroe
Fiji||les Fidji|Fiyi
Galapagos|Galápagos|les Galápagos|las Galápagos
Godthab|Nuuk|Nuuk|Nuuk
Grenada||la Grenade|Granada
Guadeloupe||la Guadeloupe|Guadalupe
Guatemala||le Guatemala|
Guernsey||Guernesey|
Guyana||le Guyana|
Havana||La Havane|La Habana
Hebron||Hébron|Hebrón
Ho_Chi_Minh|Ho Chi Minh City|Hô Chi Minh-Ville|Ciudad Ho Chi Minh
Irkutsk||Irkoutsk|
Isle_of_Man||l’île de Man|la Isla de Man
Istanbul|||Estambul
Jakarta|||Yakarta
Jamaica||la Jamaïque|
Jerusalem||Jérusalem|Jerusalén
Johannesburg|||Johannesburgo
Kabul||Kaboul|
Kaliningrad|||Kaliningrado
Kamchatka||le Kamtchatka|
Kathmandu||Katmandou|Katmandú
Katmandu|Kathmandu|Katmandou|Katmandú
Khartoum|||Jartum
Kiev|Kyiv|Kyiv|Kiev
Kolkata||Calcutta|Calcuta
Krasnoyarsk||Krasnoïarsk|
Kuwait||Koweït|
Kyiv|||Kiev
Lisbon||Lisbonne|Lisboa
Ljubljana|||Liubliana
Lome|Lomé|Lomé|Lomé
London||Londres|Londres
Los_Angeles|||Los Ángeles
Luxembourg|||Luxemburgo
Macau|Macao|Macao|Macao
Macao|||
Maceio|Maceió|Maceió|Maceió
Madeira||Madère|
Mahe|Mahé|Mahé|Mahé
Maldives||les Maldives|las Maldivas
Malta||Malte|
Manaus|||Manaos
Manila||Manille|
Marquesas||les Marquises|las Marquesas
Martinique||la Martinique|Martinica
Mauritius||Maurice|Mauricio
Mazatlan|Mazatlán|Mazatlán|Mazatlán
Merida|Mérida|Mérida|Mérida
Mexico_City||Mexico|Ciudad de México
Miquelon|Saint Pierre and Miquelon|Saint-Pierre-et-Miquelon|San Pedro y Miquelón
Mogadishu||Mogadiscio|Mogadiscio
Monaco|||Mónaco
Montreal|Montréal|Montréal|Montreal
Moscow||Moscou|Moscú
Muscat||Mascate|Mascate
Ndjamena|N’Djamena|N’Djamena|Yamena
New_York|||Nueva York
Nicosia||Nicosie|
Nouakchott|||Nuakchot
Noumea|Nouméa|Nouméa|Numea
Novosibirsk||Novossibirsk|
Ouagadougou|||Uagadugú
Panama|||Panamá
Paris|||París
Phnom_Penh|||Nom Pen
Port-au-Prince|||Puerto Príncipe
Port_of_Spain||Port-d’Espagne|Puerto España
Prague|||Praga
Puerto_Rico||Porto Rico|
Pyongyang|||Pionyang
Qatar||le Qatar|Catar
Rangoon|Yangon|Rangoun|Rangún
Reunion|Réunion|La Réunion|Reunión
Reykjavik|Reykjavík|Reykjavik|Reikiavik
Rio_Branco|||Río Branco
Riyadh||Riyad|Riad
Rome|||Roma
Saigon|Ho Chi Minh City|Hô Chi Minh-Ville|Ciudad Ho Chi Minh
Samarkand||Samarcande|Samarcanda
San_Marino||Saint-Marin|
Santarem|Santarém|Santarém|Santarém
Santo_Domingo||Saint-Domingue|
Sao_Paulo|São Paulo|São Paulo|São Paulo
Sao_Tome|São Tomé|São Tomé|Santo Tomé
Seoul||Séoul|Seúl
Shanghai|||Shanghái
Singapore||Singapour|Singapur
Sofia|||Sofía
South_Georgia||Géorgie du Sud|Georgia del Sur
St_Barthelemy|Saint Barthélemy|Saint-Barthélemy|San Bartolomé
St_Helena|Saint Helena|Sainte-Hélène|Santa Elena
St_Johns|St. John’s|Saint-Jean de Terre-Neuve|San Juan de Terranova
St_Kitts|Saint Kitts|Saint-Christophe|San Cristóbal
St_Lucia|Saint Lucia|Sainte-Lucie|Santa Lucía
St_Thomas|Saint Thomas|Saint-Thomas|Santo Tomás
St_Vincent|Saint Vincent|Saint-Vincent|San Vicente
Stockholm|||Estocolmo
Sydney|||Sídney
Tahiti|||Tahití
Taipei|||Taipéi
Tallinn|||Tallin
Tashkent||Tachkent|Taskent
Tbilisi||Tbilissi|Tiflis
Tehran||Téhéran|Teherán
Thimphu||Thimphou|Timbu
Tirane|Tirana|Tirana|Tirana
Tokyo|||Tokio
Tripoli|||Trípoli
Tunis|||Túnez
Ulaanbaatar||Oulan-Bator|Ulán Bator
Ulan_Bator|Ulaanbaatar|Oulan-Bator|Ulán Bator
Ulyanovsk||Oulianovsk|Uliánovsk
Vatican|Vatican City|le Vatican|el Vaticano
Vienna||Vienne|Viena
Vientiane|||Vientián
Vilnius|||Vilna
Volgograd|||Volgogrado
Warsaw||Varsovie|Varsovia
Yakutsk||Iakoutsk|
Yangon||Rangoun|Rangún
Yekaterinburg||Iekaterinbourg|Ekaterimburgo
Yerevan||Erevan|Ereván
Zurich|||Zúrich
`
